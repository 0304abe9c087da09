package format

import (
	"bytes"
	"crypto/sha1"
	"encoding/hex"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// recode decodes a file of one of the three formats, which its name tells, and encodes it again.
func recode(name string, content []byte) ([]byte, error) {
	var value interface{ encodeTo(*bytes.Buffer) error }
	var err error
	switch {
	case strings.Contains(name, "archive.info"):
		var info *ArchiveInfo
		info, err = DecodeArchiveInfo(bytes.NewReader(content))
		value = archiveInfoValue{info}
	case strings.Contains(name, "backup.info"):
		var info *BackupInfo
		info, err = DecodeBackupInfo(bytes.NewReader(content))
		value = backupInfoValue{info}
	default:
		var m *Manifest
		m, err = DecodeManifest(bytes.NewReader(content))
		value = manifestValue{m}
	}
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	err = value.encodeTo(&out)
	return out.Bytes(), err
}

type (
	archiveInfoValue struct{ *ArchiveInfo }
	backupInfoValue  struct{ *BackupInfo }
	manifestValue    struct{ *Manifest }
)

func (v archiveInfoValue) encodeTo(out *bytes.Buffer) error { return v.Encode(out) }
func (v backupInfoValue) encodeTo(out *bytes.Buffer) error  { return v.Encode(out) }
func (v manifestValue) encodeTo(out *bytes.Buffer) error    { return v.Encode(out) }

func testdata(t testing.TB, pattern string) map[string][]byte {
	t.Helper()
	names, err := filepath.Glob(filepath.Join("testdata", pattern))
	if err != nil || len(names) == 0 {
		t.Fatalf("no testdata/%s: %v", pattern, err)
	}
	files := make(map[string][]byte)
	for _, name := range names {
		if files[filepath.Base(name)], err = os.ReadFile(name); err != nil {
			t.Fatal(err)
		}
	}
	return files
}

// TestRoundTrip reads files of real repositories, the manifests shortened, and expects the same bytes when they are written.
func TestRoundTrip(t *testing.T) {
	for name, content := range testdata(t, "*.*") {
		again, err := recode(name, content)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		expectSame(t, name, string(again), string(content))
	}
}

// expectSame names the first line that differs.
func expectSame(t testing.TB, what, got, want string) {
	t.Helper()
	if got == want {
		return
	}
	gotLines, wantLines := strings.Split(got, "\n"), strings.Split(want, "\n")
	for i := range min(len(gotLines), len(wantLines)) {
		if gotLines[i] != wantLines[i] {
			t.Errorf("%s: line %d\n got %s\nwant %s", what, i+1, gotLines[i], wantLines[i])
			return
		}
	}
	t.Errorf("%s: %d lines, want %d", what, len(gotLines), len(wantLines))
}

// seal completes the lines of an info file with head and checksum. It is independent of the code under test.
func seal(body string) string {
	content := "[backrest]\nbackrest-format=5\nbackrest-version=\"2.60.0\"\n\n" + body
	return content + "\n[backrest]\nbackrest-checksum=\"" + plainChecksum(content) + "\"\n"
}

func plainChecksum(content string) string {
	text := "{"
	section, last := "", ""
	for line := range strings.Lines(content) {
		line = strings.TrimSuffix(line, "\n")
		if line == "" {
			continue
		}
		if line[0] == '[' && line[len(line)-1] == ']' {
			section = line[1 : len(line)-1]
			continue
		}
		split := strings.IndexByte(line, '=')
		for !json.Valid([]byte(line[split+1:])) {
			split += 1 + strings.IndexByte(line[split+1:], '=')
		}
		switch {
		case last == "":
			text += `"` + section + `":{`
		case last != section:
			text += `},"` + section + `":{`
		default:
			text += ","
		}
		last = section
		text += `"` + strings.NewReplacer(`"`, `\"`, `\`, `\\`).Replace(line[:split]) + `":` + line[split+1:]
	}
	sum := sha1.Sum([]byte(text + "}}"))
	return hex.EncodeToString(sum[:])
}
