package filter_test

import (
	"archive/tar"
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"holdfast/internal/filter"
	"holdfast/internal/postgres/pgtest"
)

var (
	segment    = regexp.MustCompile(`/archive/[^/]+/[^/]+/[0-9A-F]{16}/[0-9A-F]{24}(?:\.partial)?-([0-9a-f]{40})(?:\.(?:gz|bz2|lz4|zst))?$`)
	dataFile   = regexp.MustCompile(`/backup/[^/]+/([0-9]{8}-[^/]+)/pg_data/(.+)$`)
	cipherPass = regexp.MustCompile(`(?m)^cipher-pass="(.+)"$`)
)

// expected is what expected.json says that matters here.
type expected struct {
	Cipher  struct{ Type, Pass string }
	Backups []struct {
		Label                       string
		Bundle                      bool
		RestoredDiffersFromManifest []string
		Files                       map[string]string
	}
}

// TestGolden reads the WAL and the backup files of repositories that pgBackRest wrote and compares their sums.
func TestGolden(t *testing.T) {
	dir, ok := pgtest.Golden(t)
	if !ok {
		return
	}
	repositories, err := filepath.Glob(filepath.Join(dir, "*", "repo.tar.zst"))
	if err != nil || len(repositories) == 0 {
		t.Fatalf("no repositories in %s: %v", dir, err)
	}
	for _, name := range repositories {
		t.Run(filepath.Base(filepath.Dir(name)), func(t *testing.T) { readGolden(t, filepath.Dir(name)) })
	}
}

func readGolden(t *testing.T, dir string) {
	var want expected
	text, err := os.ReadFile(filepath.Join(dir, "expected.json"))
	if err := errors.Join(err, json.Unmarshal(text, &want)); err != nil {
		t.Fatal(err)
	}
	sums := map[string]string{} // label/file to SHA-1 of files stored one by one
	for _, b := range want.Backups {
		for file, facts := range b.Files {
			sums[b.Label+"/"+file] = strings.Fields(facts)[0]
		}
		for _, file := range b.RestoredDiffersFromManifest {
			delete(sums, b.Label+"/"+file)
		}
		if b.Bundle || want.Cipher.Pass != "" {
			clear(sums) // their framing and passes are in the manifests, which are read elsewhere
		}
	}

	tarball, err := os.Open(filepath.Join(dir, "repo.tar.zst"))
	if err != nil {
		t.Fatal(err)
	}
	defer tarball.Close()
	plain, err := filter.NewReader(tarball, filter.Spec{Compression: filter.Zst})
	if err != nil {
		t.Fatal(err)
	}
	defer plain.Close()
	segments := map[string][]byte{} // kept until archive.info has told the pass
	archivePass, read := "", 0
	for entries := tar.NewReader(plain); ; {
		entry, err := entries.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		name := "/" + entry.Name
		sum := ""
		if m := dataFile.FindStringSubmatch(name); m != nil {
			sum = sums[m[1]+"/"+filter.StripExt(m[2])]
		}
		if entry.Typeflag != tar.TypeReg || sum == "" && !segment.MatchString(name) && path.Base(name) != "archive.info" {
			continue
		}
		stored, err := io.ReadAll(entries)
		if err != nil {
			t.Fatal(err)
		}
		switch {
		case sum != "":
			check(t, name, stored, "", sum)
			read++
		case segment.MatchString(name):
			segments[name] = stored
		default:
			info := decodeAll(t, name, stored, filter.Spec{Pass: want.Cipher.Pass})
			if m := cipherPass.FindSubmatch(info); m != nil {
				archivePass = string(m[1])
			}
		}
	}
	for name, stored := range segments {
		check(t, name, stored, archivePass, segment.FindStringSubmatch(name)[1])
	}
	if len(segments) == 0 || read < len(sums)/2 {
		t.Errorf("read only %d segments and %d of %d files", len(segments), read, len(sums))
	}
}

func check(t *testing.T, name string, stored []byte, pass, want string) {
	t.Helper()
	h := filter.NewHash()
	h.Write(decodeAll(t, name, stored, filter.Spec{Compression: filter.CompressionOf(name), Pass: pass}))
	if sum := h.Sum(); hex.EncodeToString(sum[:]) != want {
		t.Errorf("%s: SHA-1 %x, want %s", name, sum, want)
	}
}

func decodeAll(t *testing.T, name string, stored []byte, s filter.Spec) []byte {
	t.Helper()
	r, err := filter.NewReader(bytes.NewReader(stored), s)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	data, err := io.ReadAll(r)
	if err != nil {
		t.Errorf("%s: %v", name, err)
	}
	return data
}
