package command

import (
	"slices"
	"strings"
	"testing"
)

func TestAnnotate(t *testing.T) {
	repos := unpackSamples(t, "chain", "aes256-zst")
	if repos == nil {
		return
	}
	peer := findPeer(t)
	for name, sample := range repos {
		for _, notes := range [][]string{
			{"--annotation=a=b", "--annotation=x y= z", "--annotation==nobody", "--annotation=ä=\"q\\"},
			{"--annotation=a=b", "--annotation=a=c"},
			{"--annotation=source=", "--annotation=note=", "--annotation=nope="},
		} {
			annotate := func(run func(*recordedRun)) string {
				r := sample.clone(t)
				story := &recordedRun{sample: r, args: append([]string{"--stanza=demo", "--set={B0}", "--lock-path=" + t.TempDir(), "annotate"}, notes...)}
				run(story)
				story.args = []string{"--stanza=demo", "--set={B0}", "info", "--output=json"}
				story.run()
				story.args = []string{"repo-get", "backup/demo/backup.info"}
				story.run()
				return withoutWriter(story.out)
			}
			ours := annotate(func(r *recordedRun) { r.run() })
			if !strings.Contains(ours, "exit 0") || strings.Contains(ours, "ERROR") {
				t.Errorf("%s %q\n%s", name, notes, ours)
			}
			if peer == "" {
				continue
			}
			if theirs := annotate(func(r *recordedRun) { r.peer(peer) }); ours != theirs {
				t.Errorf("%s %q\n%s", name, notes, difference(ours, theirs))
			}
		}
	}
}

// recordedRun is a command line after the other and what they said.
type recordedRun struct {
	sample *sample
	args   []string
	out    string
}

func (r *recordedRun) run()             { r.note(r.sample.run(r.args...)) }
func (r *recordedRun) peer(path string) { r.note(r.sample.peer(path, r.args...)) }

func (r *recordedRun) note(out string, status int) {
	r.out += out
	if status == 0 {
		r.out += "exit 0\n"
	}
}

// withoutWriter drops the version of the program that wrote a file, and the checksum over it.
func withoutWriter(text string) string {
	lines := slices.DeleteFunc(strings.Split(text, "\n"), func(line string) bool {
		return strings.HasPrefix(line, "backrest-version=") || strings.HasPrefix(line, "backrest-checksum=")
	})
	return strings.Join(lines, "\n")
}
