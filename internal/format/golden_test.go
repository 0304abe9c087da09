package format

import (
	"archive/tar"
	"bytes"
	"encoding/json"
	"io"
	"os"
	"path"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"holdfast/internal/filter"
	"holdfast/internal/postgres/pgtest"
)

var infoFile = regexp.MustCompile(`/(archive\.info|backup\.info|backup\.manifest)(\.copy)?$|\.manifest\.gz$`)

// golden is a repository written by the original program.
type golden struct {
	files   map[string][]byte // info files by path, encrypted files decrypted
	Backups []struct {
		Label                        string
		Reference                    []string
		ManifestFileTotal, SizeTotal int64
	}
	Cipher struct{ Pass string }
}

// TestGolden reads every info file of the golden repositories and expects the same bytes when it is written again. The repositories
// lie beside the project and are not part of it.
func TestGolden(t *testing.T) {
	dir, found := pgtest.Golden(t)
	if !found {
		t.Log("no golden repositories here")
		return
	}
	repositories, err := filepath.Glob(filepath.Join(dir, "*", "repo.tar.zst"))
	if err != nil || len(repositories) == 0 {
		t.Fatalf("no repositories in %s: %v", dir, err)
	}
	for _, name := range repositories {
		t.Run(filepath.Base(filepath.Dir(name)), func(t *testing.T) {
			t.Parallel()
			g := openGolden(t, filepath.Dir(name))
			for name, content := range g.files {
				again, err := recode(name, content)
				if err != nil {
					t.Errorf("%s: %v", name, err)
					continue
				}
				expectSame(t, name, string(again), string(content))
			}
			g.compareSummaries(t)
		})
	}
}

// compareSummaries makes the entries of backup.info from the manifests.
func (g *golden) compareSummaries(t *testing.T) {
	info, err := DecodeBackupInfo(bytes.NewReader(g.files["repo/backup/demo/backup.info"]))
	if err != nil {
		t.Fatal(err)
	}
	if len(g.Backups) == 0 || len(info.Backups) != len(g.Backups) {
		t.Errorf("%d backups, want %d", len(info.Backups), len(g.Backups))
	}
	for _, expected := range g.Backups {
		m, err := DecodeManifest(bytes.NewReader(g.files["repo/backup/demo/"+expected.Label+"/backup.manifest"]))
		if err != nil {
			t.Errorf("%s: %v", expected.Label, err)
			continue
		}
		if err := m.Validate(true); err != nil {
			t.Errorf("%s: %v", expected.Label, err)
		}
		want, _ := info.Backup(expected.Label)
		got := m.Summary()
		if !reflect.DeepEqual(got, want) {
			t.Errorf("summary of %s is\n%+v, want\n%+v", expected.Label, got, want)
		}
		if int64(m.Files.Len()) != expected.ManifestFileTotal || got.Size != expected.SizeTotal {
			t.Errorf("%s: %d files of %d bytes, want %d of %d", m.Label, m.Files.Len(), got.Size, expected.ManifestFileTotal, expected.SizeTotal)
		}
		if !reflect.DeepEqual(m.References, expected.Reference) {
			t.Errorf("%s: references are %v, want %v", m.Label, m.References, expected.Reference)
		}
		before := [3]Defaults{m.FileDefault, m.LinkDefault, m.PathDefault}
		m.SetDefaults()
		if after := [3]Defaults{m.FileDefault, m.LinkDefault, m.PathDefault}; after != before {
			t.Errorf("%s: defaults are %v, want %v", m.Label, after, before)
		}
	}
}

func openGolden(t *testing.T, dir string) *golden {
	t.Helper()
	g := &golden{files: make(map[string][]byte)}
	expected, err := os.ReadFile(filepath.Join(dir, "expected.json"))
	if err == nil {
		err = json.Unmarshal(expected, g)
	}
	if err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(filepath.Join(dir, "repo.tar.zst"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	plain, err := filter.NewReader(f, filter.Spec{Compression: filter.Zst})
	if err != nil {
		t.Fatal(err)
	}
	defer plain.Close()
	g.extract(t, tar.NewReader(plain))
	g.decrypt(t)
	return g
}

func (g *golden) extract(t *testing.T, in *tar.Reader) {
	t.Helper()
	for {
		head, err := in.Next()
		if err == io.EOF {
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		name := path.Clean(head.Name)
		if head.Typeflag != tar.TypeReg || !infoFile.MatchString(name) {
			continue
		}
		if g.files[name], err = io.ReadAll(in); err != nil {
			t.Fatal(err)
		}
	}
}

// decrypt goes down the passes: configuration, backup.info, manifests. History manifests are decompressed as well.
func (g *golden) decrypt(t *testing.T) {
	t.Helper()
	for name := range g.files {
		if path.Ext(strings.TrimSuffix(name, ".copy")) == ".info" {
			g.filter(t, name, filter.Spec{Pass: g.Cipher.Pass})
		}
	}
	info, err := DecodeBackupInfo(bytes.NewReader(g.files["repo/backup/demo/backup.info"]))
	if err != nil {
		t.Fatal(err)
	}
	if (info.CipherPass == "") != (g.Cipher.Pass == "") {
		t.Errorf("pass of the manifests is %q", info.CipherPass)
	}
	for name := range g.files {
		if !strings.Contains(name, "manifest") {
			continue
		}
		spec := filter.Spec{Pass: info.CipherPass}
		if strings.HasSuffix(name, ".gz") {
			spec.Compression = filter.Gz
		}
		g.filter(t, name, spec)
	}
}

func (g *golden) filter(t *testing.T, name string, spec filter.Spec) {
	t.Helper()
	r, err := filter.NewReader(bytes.NewReader(g.files[name]), spec)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	defer r.Close()
	if g.files[name], err = io.ReadAll(r); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
}
