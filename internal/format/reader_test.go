package format

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"holdfast/internal/errs"
)

func ignore([]byte, value) error { return nil }

func TestReaderAccepts(t *testing.T) {
	tests := []struct{ name, body, section, key, val string }{
		{"plain", "[a]\nk=1\n", "a", "k", "1"},
		{"empty lines", "\n\n[a]\n\n\nk=1\n\n", "a", "k", "1"},
		{"space around the value", "[a]\nk= \t1 \n", "a", "k", "1"},
		{"space is part of the key", "[a]\n k =1\n", "a", " k ", "1"},
		{"key with equal signs", "[a]\nx=1=y={\"z\":1}\n", "a", "x=1=y", `{"z":1}`},
		{"value with equal sign", "[a]\nk=\"a=1\"\n", "a", "k", `"a=1"`},
		{"key with quotes and brackets", "[a]\na = \"b\" [c].txt={\"size\":9}\n", "a", `a = "b" [c].txt`, `{"size":9}`},
		{"line that begins like a section", "[a]\n[x={}\n", "a", "[x", "{}"},
		{"raw control characters", "[a]\nk=\"\x01\t\"\n", "a", "k", "\"\x01\t\""},
		{"unknown section before", "[0]\nk=2\n\n[a]\nk=1\n", "a", "k", "1"},
		{"section again", "[a]\nk=1\n[b]\nk=2\n[a]\nl=3\n", "a", "l", "3"},
		{"long line", "[a]\nk=\"" + strings.Repeat("x", 300_000) + "\"\n", "a", "k", `"` + strings.Repeat("x", 300_000) + `"`},
	}
	for _, tt := range tests {
		found := false
		note := func(key []byte, v value) error {
			if string(key) == tt.key {
				found = true
				if string(v) != tt.val {
					t.Errorf("%s: value is %s, want %s", tt.name, v, tt.val)
				}
			}
			return nil
		}
		// the independent checksum splits with the standard library, which refuses raw control characters
		content := tt.body
		if !strings.Contains(content, "\x01") {
			content = seal(tt.body)
		} else {
			content = "[backrest]\nbackrest-format=5\n" + tt.body + "[backrest]\nbackrest-checksum=\"" + actualOf(t, tt.body) + "\"\n"
		}
		for _, in := range []io.Reader{
			strings.NewReader(content), iotest.OneByteReader(strings.NewReader(content)),
			strings.NewReader(strings.TrimSuffix(content, "\n")),
		} {
			found = false
			if _, err := read(in, sections{tt.section: note}); err != nil {
				t.Errorf("%s: %v", tt.name, err)
			}
			if !found {
				t.Errorf("%s: key %q not found", tt.name, tt.key)
			}
		}
	}
}

// actualOf takes the checksum from the error.
func actualOf(t *testing.T, body string) string {
	t.Helper()
	_, err := read(strings.NewReader("[backrest]\nbackrest-format=5\n"+body), nil)
	if !errs.Is(err, errs.Checksum) {
		t.Fatalf("error is %v", err)
	}
	return strings.Split(err.Error(), "'")[1]
}

func TestReaderRefuses(t *testing.T) {
	sum := `backrest-checksum="0000000000000000000000000000000000000000"`
	tests := []struct {
		name, content string
		code          errs.Code
		message       string
	}{
		{"nothing", "", errs.Checksum,
			"invalid checksum, actual '8a456f046f11cb56504a01eb76372f239788d018' but no checksum found"},
		{"no checksum", "[backrest]\nbackrest-format=5\n", errs.Checksum,
			"invalid checksum, actual 'a3765a8c2c1e5d35274a0b0ce118f4031faff0bd' but no checksum found"},
		{"wrong checksum", "[backrest]\nbackrest-format=5\n" + sum + "\n", errs.Checksum,
			"invalid checksum, actual 'a3765a8c2c1e5d35274a0b0ce118f4031faff0bd' but expected '0000000000000000000000000000000000000000'"},
		{"older format", "[backrest]\nbackrest-format=4\n" + sum, errs.Format, "expected format 5 but found 4"},
		{"later format", "[backrest]\nbackrest-format=6\n" + sum, errs.Format, "expected format 5 but found 6"},
		{"no format", "[backrest]\nbackrest-checksum=\"8a456f046f11cb56504a01eb76372f239788d018\"", errs.Format,
			"expected format 5 but found none"},
		{"format of another type", "[backrest]\nbackrest-format=\"5\"\n", errs.JsonFormat, "expected number but found string"},
		{"outside", "k=1\n", errs.Format, "key/value found outside of section at line 1: k=1"},
		{"comment", "[a]\n# text\n", errs.Format, "missing '=' in key/value at line 2: # text"},
		{"comment with equal sign", "[a]\n\n# a=text\n", errs.Format, "invalid JSON value at line 3 '# a=text': expected one value after '='"},
		{"carriage return", "[a]\r\nk=1\r\n", errs.Format, "key/value found outside of section at line 1: [a]\r"},
		{"empty key", "[a]\n=1\n", errs.Format, "key is zero-length at line 2: =1"},
		{"empty section", "[]\nk=1\n", errs.Format, "section is zero-length at line 1: []"},
		{"two values", "[a]\nk=1 2\n", errs.Format, "invalid JSON value at line 2 'k=1 2': expected one value after '='"},
		{"garbage", strings.Repeat("\xff", 5000), errs.Format,
			"key/value found outside of section at line 1: " + strings.Repeat("\xff", 1024)},
	}
	for _, tt := range tests {
		_, err := read(strings.NewReader(tt.content), sections{"a": ignore})
		if errs.CodeOf(err) != tt.code || err.Error() != tt.message {
			t.Errorf("%s: error is [%d] %v\nwant [%d] %s", tt.name, errs.CodeOf(err), err, tt.code, tt.message)
		}
	}
}

func TestReaderPassesErrorsOn(t *testing.T) {
	broken := errors.New("broken")
	content := seal("[a]\nk=1\n")
	for n := range len(content) {
		in := io.MultiReader(strings.NewReader(content[:n]), iotest.ErrReader(broken))
		if _, err := read(in, nil); !errors.Is(err, broken) {
			t.Fatalf("error after %d bytes is %v", n, err)
		}
	}
}

// TestEveryBitCounts flips each bit of a file: either it is refused, or the change is in what the format does not look at.
func TestEveryBitCounts(t *testing.T) {
	for _, name := range []string{"archive.info", "unfinished.manifest"} {
		content := testdata(t, name)[name]
		step := 1 + len(content)/500
		for i := 0; i < len(content); i += step {
			for bit := range 8 {
				damaged := bytes.Clone(content)
				damaged[i] ^= 1 << bit
				again, err := recode(name, damaged)
				switch {
				case err == nil && !bytes.Equal(again, content):
					t.Errorf("%s: bit %d of byte %d changed the content unnoticed", name, bit, i)
				case err != nil && errs.CodeOf(err) != errs.Format && errs.CodeOf(err) != errs.Checksum && errs.CodeOf(err) != errs.JsonFormat:
					t.Errorf("%s: bit %d of byte %d: error is [%d] %v", name, bit, i, errs.CodeOf(err), err)
				}
			}
		}
	}
}

func TestTruncated(t *testing.T) {
	for name, content := range testdata(t, "*.*") {
		step := 1 + len(content)/200
		for n := 0; n < len(content)-1; n += step {
			if _, err := recode(name, content[:n]); err == nil {
				t.Errorf("%s: %d of %d bytes are enough", name, n, len(content))
			}
		}
	}
}
