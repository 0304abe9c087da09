package log

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"holdfast/internal/errs"
)

var at = time.Date(2026, 11, 20, 21, 55, 19, 489e6, time.Local)

func fixed() time.Time { return at }

func TestLines(t *testing.T) {
	hinted := errs.New(errs.FileMissing, "unable to open\nsecond").Hint("look again")
	tests := []struct {
		name                  string
		o                     Options
		say                   func(*Logger)
		console, stderr, file string
	}{
		{
			name:    "timestamp",
			o:       Options{Timestamp: true},
			say:     func(l *Logger) { l.Info("one\ntwo") },
			console: "2026-11-20 21:55:19.489 P00   INFO: one\n" + strings.Repeat(" ", 36) + "two\n",
		},
		{
			name:    "no timestamp",
			say:     func(l *Logger) { l.Warn("a\nb") },
			console: "P00   WARN: a\n            b\n",
		},
		{
			name:    "error code does not count for the margin",
			say:     func(l *Logger) { l.Error(hinted) },
			console: "P00  ERROR: [055]: unable to open\n            second\n            HINT: look again\n",
		},
		{
			name:    "three digit processes",
			o:       Options{ProcessWidth: 3},
			say:     func(l *Logger) { l.Worker(7).Detail("a\nb") },
			console: "P007 DETAIL: a\n             b\n",
		},
		{
			name:    "debugging stands in",
			say:     func(l *Logger) { l.Debug("a\nb"); l.At(Trace, "c\nd") },
			console: "P00  DEBUG:     a\n                b\nP00  TRACE:         c\n                    d\n",
		},
		{
			name:    "dry run",
			o:       Options{DryRun: true},
			say:     func(l *Logger) { l.Info("a"); l.Error(errs.New(errs.Stop, "b")) },
			console: "P00   INFO: [DRY-RUN] a\nP00  ERROR: [062]: [DRY-RUN] b\n",
		},
		{
			name:   "stderr takes what it wants from the console",
			o:      Options{Stderr: Output{Level: Warn}, File: Output{Level: Info}},
			say:    func(l *Logger) { l.Error(hinted); l.Warn("a\nb"); l.Info("c %d%%", 1); l.Detail("d") },
			stderr: "ERROR: [055]: unable to open\n       second\n       HINT: look again\nWARN: a\n      b\n",
			console: "P00   INFO: c 1%\n" +
				"P00 DETAIL: d\n",
			file: "P00  ERROR: [055]: unable to open\n            second\n            HINT: look again\n" +
				"P00   WARN: a\n            b\nP00   INFO: c 1%\n",
		},
		{
			name:    "internal errors have a name and an explanation",
			o:       Options{Context: func() string { return "x" }},
			say:     func(l *Logger) { l.Error(errs.New(errs.Assert, "oops")) },
			console: "P00 ASSERT: [025]: oops\n            " + strings.Repeat("-", 68) + "\n            x\n            " + strings.Repeat("-", 68) + "\n",
		},
		{
			name:    "bare",
			o:       Options{Timestamp: true},
			say:     func(l *Logger) { l.Bare(Info, "terminated on signal SIGTERM") },
			console: "terminated on signal SIGTERM\n",
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			var console, stderr, file strings.Builder
			o := test.o
			o.Clock = fixed
			o.Console = Output{Writer: &console, Level: Trace}
			if o.Context != nil {
				o.Console.Level = Detail
			}
			o.Stderr.Writer, o.File.Writer = &stderr, &file
			test.say(New(o))
			for _, out := range []struct{ name, got, want string }{
				{"console", console.String(), test.console},
				{"stderr", stderr.String(), test.stderr},
				{"file", file.String(), test.file},
			} {
				if out.got != out.want {
					t.Errorf("%s:\n%q\nwant\n%q", out.name, out.got, out.want)
				}
			}
		})
	}
}

func TestContextOnDebugOutputsOnly(t *testing.T) {
	var console, file strings.Builder
	l := New(Options{
		Console: Output{&console, Detail}, File: Output{&file, Debug}, Context: func() string { return "version: x" },
	})
	l.Error(errs.New(errs.Stop, "stopped"))
	if strings.Contains(console.String(), "version") {
		t.Errorf("console got the explanation: %s", console.String())
	}
	if !strings.Contains(file.String(), "version: x") {
		t.Errorf("file lacks the explanation: %s", file.String())
	}
}

func TestNil(t *testing.T) {
	var l *Logger
	l.Error(errors.New("x"))
	l.Warn("x")
	l.Worker(1).Info("x")
	l.Bare(Info, "x")
	l.SetFile(nil)
	if l.Enabled(Error) {
		t.Error("a nil logger is enabled")
	}
}

func TestEnabled(t *testing.T) {
	l := New(Options{Console: Output{&strings.Builder{}, Warn}, File: Output{&strings.Builder{}, Detail}})
	if !l.Enabled(Detail) || l.Enabled(Debug) {
		t.Error("wrong levels enabled")
	}
	l.SetFile(nil)
	if l.Enabled(Info) || !l.Enabled(Warn) {
		t.Error("wrong levels enabled without a file")
	}
}

func TestMemory(t *testing.T) {
	l, lines := Memory()
	l.Worker(3).Debug("a %s", "b")
	l.Error(errs.New(errs.Stop, "no").Hint("start"))
	if want := "DEBUG: a b\nERROR: [062]: no\nHINT: start\n"; lines.Text() != want {
		t.Errorf("got %q, want %q", lines.Text(), want)
	}
}

func TestFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.log")
	for range 2 {
		f, err := OpenFile(path)
		if err != nil {
			t.Fatal(err)
		}
		l := New(Options{File: Output{f, Info}})
		l.Info("a")
		l.Info("b")
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
	}
	unused, err := OpenFile(path)
	if err != nil {
		t.Fatal(err)
	}
	unused.Close()
	got, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	one := "-------------------PROCESS START-------------------\nP00   INFO: a\nP00   INFO: b\n"
	if string(got) != one+"\n"+one {
		t.Errorf("got %q", got)
	}
	_, err = OpenFile(filepath.Join(path, "below"))
	if want := "unable to open log file '" + path + "/below': Not a directory"; err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

func TestParseLevel(t *testing.T) {
	for want := Off; want <= Trace; want++ {
		if got, err := ParseLevel(want.String()); err != nil || got != want {
			t.Errorf("%s: got %v, %v", want, got, err)
		}
	}
	if _, err := ParseLevel("INFO"); err == nil {
		t.Error("INFO is a level")
	}
}

func TestRetries(t *testing.T) {
	var r Retries
	if r.Err() != nil {
		t.Error("nothing failed")
	}
	first := errs.New(errs.FileMissing, "a").Hint("h")
	r.Add(first, 0)
	if r.Err() != first {
		t.Error("a single failure is not itself")
	}
	r.Add(errs.New(errs.FileRead, "b\nc"), 5*time.Millisecond)
	r.Add(errs.New(errs.Checksum, "d"), 10*time.Millisecond)
	r.Add(errs.New(errs.Checksum, "d"), 25*time.Millisecond)
	want := "a\nHINT: h\n    [FileReadError] on retry at 5ms: b\n    c\n    [ChecksumError] on 2 retries from 10-25ms: d"
	if got := errs.Text(r.Err()); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if !errs.Is(r.Err(), errs.FileMissing) {
		t.Error("the code of the first failure is lost")
	}
}

func TestConcurrent(t *testing.T) {
	var out strings.Builder
	l := New(Options{Console: Output{&out, Info}})
	var wg sync.WaitGroup
	for n := range 8 {
		wg.Go(func() {
			for range 50 {
				l.Worker(n).Info("x")
			}
		})
	}
	wg.Wait()
	if got := strings.Count(out.String(), "INFO: x\n"); got != 400 {
		t.Errorf("got %d lines", got)
	}
}
