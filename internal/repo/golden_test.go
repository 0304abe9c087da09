package repo_test

import (
	"crypto/sha1"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"testing"

	"holdfast/internal/block"
	"holdfast/internal/filter"
	"holdfast/internal/format"
	"holdfast/internal/postgres/pgtest"
	"holdfast/internal/repo"
	"holdfast/internal/repo/repotest"
	"holdfast/internal/storage/posix"
)

// expected is what expected.json of a golden repository tells.
type expected struct {
	Stanza string `json:"stanza"`
	Cipher struct {
		Type string `json:"type"`
		Pass string `json:"pass"`
	} `json:"cipher"`
	Archive map[string]struct {
		Name string `json:"name"`
		SHA1 string `json:"sha1"`
		Size int64  `json:"size"`
	} `json:"archive"`
	Backups []struct {
		Label string `json:"label"`
	} `json:"backups"`
	Incomplete []string `json:"incomplete"`
}

// TestGolden reads everything that repositories written by the original program hold.
func TestGolden(t *testing.T) {
	dir, ok := pgtest.Golden(t)
	if !ok {
		t.Log("no golden repositories here")
		return
	}
	sets, err := filepath.Glob(filepath.Join(dir, "*", "expected.json"))
	if err != nil || len(sets) == 0 {
		t.Fatalf("no golden sets in %s (%v)", dir, err)
	}
	for _, set := range sets {
		set = filepath.Dir(set)
		t.Run(filepath.Base(set), func(t *testing.T) {
			t.Parallel()
			readGolden(t, set)
		})
	}
}

func readGolden(t *testing.T, set string) {
	var want expected
	text, err := os.ReadFile(filepath.Join(set, "expected.json"))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &want); err != nil {
		t.Fatal(err)
	}
	root := t.TempDir()
	repotest.Unpack(t, filepath.Join(set, "repo.tar.zst"), root)
	r := repo.New(repo.Config{
		Key: 1, Path: filepath.Join(root, "repo"), Storage: posix.New(posix.Config{}), Stanza: want.Stanza,
		CipherType: want.Cipher.Type, CipherPass: want.Cipher.Pass,
	})
	readGoldenArchive(t, r, want)
	readGoldenBackups(t, r, want)
}

func readGoldenArchive(t *testing.T, r *repo.Repo, want expected) {
	info, err := r.LoadArchiveInfo(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for stored, file := range want.Archive {
		base := filepath.Base(stored)
		compression := filter.None
		if segment, ok := repo.ParseSegment(base); ok {
			compression = segment.Compression
			if segment.Sum.String() != file.SHA1 || segment.WAL() != file.Name {
				t.Errorf("%s parsed as %s with sum %s", base, segment.WAL(), segment.Sum)
			}
			id := filepath.Dir(filepath.Dir(stored))
			found, err := r.FindSegment(t.Context(), id, file.Name)
			if err != nil || len(found) != 1 || found[0].Path() != r.ArchivePath(stored) {
				t.Errorf("segment %s of %s: found %v, %v", file.Name, id, found, err)
			}
		}
		src, err := r.OpenArchive(t.Context(), r.ArchivePath(stored), compression, info.CipherPass)
		if err != nil {
			t.Errorf("%s: %v", stored, err)
			continue
		}
		if sum, size, err := digest(src); err != nil || sum != file.SHA1 || size != file.Size {
			t.Errorf("%s: sum %s size %d (%v), want %s size %d", stored, sum, size, err, file.SHA1, file.Size)
		}
	}
}

func readGoldenBackups(t *testing.T, r *repo.Repo, want expected) {
	info, err := r.LoadBackupInfo(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	same, changed, err := r.ReconciledBackupInfo(t.Context(), nil)
	if err != nil || changed || len(same.Backups) != len(info.Backups) {
		t.Errorf("reconciling changed the list: %v, %d of %d backups (%v)", changed, len(same.Backups), len(info.Backups), err)
	}
	labels, err := r.BackupLabels(t.Context())
	if err != nil || len(labels) != len(want.Backups)+len(want.Incomplete) {
		t.Errorf("labels on disk: %v, %v", labels, err)
	}
	if history, err := r.HistoryLabels(t.Context()); err != nil || len(history) < len(want.Backups) {
		t.Errorf("labels in the history: %v, %v", history, err)
	}
	for _, b := range want.Backups {
		m, err := r.LoadManifest(t.Context(), b.Label, info.CipherPass)
		if err != nil {
			t.Errorf("%s: %v", b.Label, err)
			continue
		}
		if listed, ok := info.Backup(b.Label); !ok || listed.Type != m.Type {
			t.Errorf("%s: listed %v as %s", b.Label, ok, listed.Type)
		}
		readGoldenFiles(t, r, m)
	}
	for _, label := range want.Incomplete {
		if exists, err := r.ManifestExists(t.Context(), label); err != nil || exists {
			t.Errorf("%s: exists %v, %v", label, exists, err)
		}
		if _, err := r.LoadManifestCopy(t.Context(), label, info.CipherPass); err != nil {
			t.Errorf("%s: %v", label, err)
		}
	}
}

func readGoldenFiles(t *testing.T, r *repo.Repo, m *format.Manifest) {
	for _, file := range m.Files.All() {
		f := &file
		if f.Reference != "" && f.Size > 0 {
			if path, _ := r.FilePath(m, f); path == "" {
				t.Errorf("%s %s: no path", m.Label, f.Name)
			}
		}
		if f.BlockMapSize > 0 && f.Size > 0 {
			readGoldenBlocks(t, r, m, f)
			continue
		}
		src, err := r.OpenFile(t.Context(), m, f)
		if err != nil {
			t.Errorf("%s %s: %v", m.Label, f.Name, err)
			continue
		}
		want := format.EmptySum
		if f.HasChecksum {
			want = f.Checksum
		}
		if sum, size, err := digest(src); err != nil || sum != want.String() || size != f.Size {
			t.Errorf("%s %s: sum %s size %d (%v), want %s size %d", m.Label, f.Name, sum, size, err, want, f.Size)
		}
	}
}

// readGoldenBlocks puts a block incremental file together.
func readGoldenBlocks(t *testing.T, r *repo.Repo, m *format.Manifest, f *format.File) {
	bm, err := r.LoadMap(t.Context(), m, f)
	if err != nil {
		t.Errorf("%s %s: %v", m.Label, f.Name, err)
		return
	}
	again, err := block.DecodeMap(bm.Encode(), f.BlockSize, f.BlockChecksumSize)
	if err != nil || !reflect.DeepEqual(again, bm) {
		t.Errorf("%s %s: the map changed when written again: %v", m.Label, f.Name, err)
	}
	if m.CipherPass == "" && int64(len(bm.Encode())) != f.BlockMapSize {
		t.Errorf("%s %s: a map of %d bytes became one of %d", m.Label, f.Name, f.BlockMapSize, len(bm.Encode()))
	}
	content := make([]byte, bm.Size())
	err = r.ReadBlocks(t.Context(), m, f, bm, nil, func(at int64, plain []byte) error {
		copy(content[at:], plain)
		return nil
	})
	if sum := sha1.Sum(content); err != nil || sum != f.Checksum || bm.Size() != f.Size {
		t.Errorf("%s %s: sum %x size %d (%v), want %s size %d", m.Label, f.Name, sum, bm.Size(), err, f.Checksum, f.Size)
	}
}

// digest reads to the end, closes and returns SHA-1 and size.
func digest(src io.ReadCloser) (string, int64, error) {
	hash := sha1.New()
	size, err := io.Copy(hash, src)
	return hex.EncodeToString(hash.Sum(nil)), size, errors.Join(err, src.Close())
}
