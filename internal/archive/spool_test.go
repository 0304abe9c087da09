package archive

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"holdfast/internal/errs"
	"holdfast/internal/storage/storagetest"
)

const spoolPath = "/spool/archive/demo"

func TestDecodeNote(t *testing.T) {
	for _, test := range []struct {
		content string
		want    note
		text    string // of the error, "" if there is none
	}{
		{"", note{}, ""},
		{"0\nwarning", note{0, "warning"}, ""},
		{"45\ntwo\nlines\n", note{45, "two\nlines"}, ""},
		{"45", note{}, "F content must have at least two lines"},
		{"45\n", note{}, "F message must be > 0"},
		{"x\ny", note{}, "unable to convert base 10 string 'x' to int"},
		{"\ny", note{}, "unable to convert base 10 string '' to int"},
		{"1\nnot found", note{}, "F has invalid code '1'"},
		{"-5\nx", note{}, "F has invalid code '-5'"},
		{"256\nx", note{}, "F has invalid code '256'"},
	} {
		got, err := decodeNote("F", []byte(test.content))
		text := ""
		if err != nil {
			text = err.Error()
		}
		if got != test.want || text != test.text || err != nil && !errs.Is(err, errs.Format) {
			t.Errorf("%q: got %v %v, want %v %s", test.content, got, err, test.want, test.text)
		}
	}
}

// FuzzNote: no note of anybody's may pass for success when it is an error, and ours come back as they were.
func FuzzNote(f *testing.F) {
	for _, s := range []string{"", "0\nx", "45\nan error\nHINT: x", "45", "\n", "999999999999999999999\nx", "025\n\n"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, content []byte) {
		n, err := decodeNote("F", content)
		if err != nil {
			if n != (note{}) {
				t.Fatalf("%v beside %v", n, err)
			}
			return
		}
		if n.code != 0 && (n.code < errs.Assert || n.code > errs.Unknown) {
			t.Fatalf("code %d", n.code)
		}
		if err := (answer{"F.error", n}).failure(); errs.CodeOf(err) == errs.OK || errs.CodeOf(err) < errs.Assert {
			t.Fatalf("%q as an error is %v", content, err)
		}
		if n.message == "" {
			return
		}
		if again, err := decodeNote("F", n.encode()); err != nil || again != n {
			t.Fatalf("%q became %v (%v)", n.encode(), again, err)
		}
	})
}

// TestLook: which note counts (SN-321, SN-323).
func TestLook(t *testing.T) {
	const ok, bad, all = "S.ok", "S.error", "global.error"
	for _, test := range []struct {
		notes   map[string]string
		name    string
		fails   string
		warning string
		err     string
	}{
		{nil, "", "", "", ""},
		{map[string]string{ok: "", bad: "45\nx", all: "45\ny"}, ok, "", "", ""},
		{map[string]string{bad: "45\nx", all: "50\ny"}, bad, "[45] x", "", ""},
		{map[string]string{all: "50\ny"}, all, "[50] y", "", ""},
		{map[string]string{ok: "0\ndropped"}, ok, "", "dropped", ""},
		{map[string]string{ok: "45\nx"}, ok, "", "WAL segment 'S' was not pushed due to error [45] and was manually skipped: x", ""},
		{map[string]string{ok: "45"}, ok, "", "", "S.ok content must have at least two lines"},
		{map[string]string{bad: ""}, bad, "[25] status file 'S.error' has no content", "", ""},
		{map[string]string{bad: "45"}, bad, "[29] S.error content must have at least two lines", "", ""},
		{map[string]string{bad: "0\nx"}, bad, "[29] S.error has invalid code '0'", "", ""},
	} {
		f := newFixture(t)
		out := Spool{f.mem, spoolPath}.out()
		for name, content := range test.notes {
			f.write(out.at(name), content)
		}
		a, err := out.look(t.Context(), "S")
		if test.err != "" {
			if err == nil || err.Error() != test.err {
				t.Errorf("%q: got %v", test.notes, err)
			}
			continue
		}
		fails := ""
		if err := a.failure(); err != nil {
			fails = fmt.Sprintf("[%d] %s", errs.CodeOf(err), err)
		}
		warning := ""
		if a.ok() {
			warning = a.warning("S")
		}
		if err != nil || a.name != test.name || fails != test.fails || warning != test.warning {
			t.Errorf("%q: got %q, failure %q, warning %q, %v", test.notes, a.name, fails, warning, err)
		}
	}
}

func TestWanted(t *testing.T) {
	const mib = 1 << 20
	for _, test := range []struct {
		first         string
		max, size     int64
		count         int
		second, final string
	}{
		{"000000010000000000000001", 128 * mib, 16 * mib, 8, "000000010000000000000002", "000000010000000000000008"},
		{"0000000100000000000000FE", 48 * mib, 16 * mib, 3, "0000000100000000000000FF", "000000010000000100000000"},
		{"000000020000000100000FFF", 0, mib, 2, "000000020000000200000000", "000000020000000200000000"},
		{"000000010000000000000003", 4 << 30, 1 << 30, 4, "000000010000000100000000", "000000010000000100000002"},
		{"000000010000000000000000", 1 << 50, mib, mostWanted, "000000010000000000000001", "000000010000000700000FFF"},
	} {
		got := wanted(test.first, test.max, test.size)
		if len(got) != test.count || got[0] != test.first || got[1] != test.second || got[len(got)-1] != test.final {
			t.Errorf("%+v: got %d: %s %s ... %s", test, len(got), got[0], got[1], got[len(got)-1])
		}
	}
}

func TestKeepWanted(t *testing.T) {
	const a, b, c, other = "000000010000000000000002", "000000010000000000000003", "000000010000000000000004", "000000020000000000000003"
	f := newFixture(t)
	in := Spool{f.mem, spoolPath}.in()
	for _, name := range []string{
		b, b + ".ok", other, other + ".ok", a + ".ok", c + ".error", c + ".pgbackrest.tmp", "global.error", "stranger", "000000010000000000000001",
	} {
		f.write(in.at(name), "x")
	}
	needed, err := in.keepWanted(t.Context(), []string{a, b, c})
	f.must(err)
	if !slices.Equal(needed, []string{a, c}) {
		t.Errorf("needed %q", needed)
	}
	if left := f.spooled("in"); !slices.Equal(left, []string{b, b + ".ok"}) {
		t.Errorf("left %q", left)
	}
}

// spooled lists a part of the spool.
func (f *fixture) spooled(part string) []string {
	var names []string
	for _, name := range f.mem.Paths() {
		if rest, ok := strings.CutPrefix(name, spoolPath+"/"+part+"/"); ok && rest != "" {
			names = append(names, rest)
		}
	}
	return names
}

// TestGlobal: a run that fails leaves a note, one that was told to end does not.
func TestGlobal(t *testing.T) {
	f := newFixture(t)
	out := Spool{f.mem, spoolPath}.out()
	f.must(out.global(t.Context(), func() error { return nil }))
	if left := f.spooled("out"); left != nil {
		t.Errorf("left %q after success", left)
	}
	err := out.global(t.Context(), func() error { return errs.New(errs.Stop, "stopped").Hint("start") })
	if !errs.Is(err, errs.Stop) || f.read(out.at("global.error")) != "62\nstopped\nHINT: start" {
		t.Errorf("got %v, note %q", err, f.read(out.at("global.error")))
	}
	faulty := storagetest.NewFaulty(f.mem, 1)
	out.tree = faulty
	err = out.global(t.Context(), func() error { return errs.New(errs.Stop, "stopped") })
	if !errs.Is(err, errs.Stop) || !faulty.Fired() || !strings.Contains(err.Error(), "\n") {
		t.Errorf("got %v", err)
	}
}
