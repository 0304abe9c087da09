package format

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
)

// fuzz checks that decoding does not panic, and that what can be decoded is, once written, written again as the same bytes. The
// checksum of the input is put right first, so that the fuzzer gets past it.
func fuzz(f *testing.F, pattern string, kind string) {
	names, err := filepath.Glob(filepath.Join("testdata", pattern))
	if err != nil || len(names) == 0 {
		f.Fatalf("no testdata/%s: %v", pattern, err)
	}
	for _, name := range names {
		content, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(content)
	}
	f.Fuzz(func(t *testing.T, content []byte) {
		content = resealed(content)
		first, err := recode(kind, content)
		if err != nil {
			return
		}
		second, err := recode(kind, first)
		if err != nil {
			t.Fatalf("not read again: %v\n%s", err, first)
		}
		expectSame(t, kind, string(second), string(first))
	})
}

// resealed appends a section with the checksum the reader expects, which wins over an earlier one.
func resealed(content []byte) []byte {
	r := reader{sections: nil, sum: newChecksum()}
	for line := range bytes.Lines(content) {
		if r.accept(bytes.TrimSuffix(line, []byte("\n"))) != nil {
			return content
		}
	}
	return append(bytes.Clone(content), "\n[backrest]\nbackrest-checksum=\""+r.sum.sum().String()+"\"\n"...)
}

func FuzzArchiveInfo(f *testing.F) { fuzz(f, "*archive.info", "archive.info") }
func FuzzBackupInfo(f *testing.F)  { fuzz(f, "*.backup.info", "backup.info") }
func FuzzManifest(f *testing.F)    { fuzz(f, "*.manifest", "backup.manifest") }
