package e2e

import (
	"cmp"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

const severalHosts = "../doc/guide/several-hosts.md"

// tour follows the page about several hosts, on a machine for each. Some of the page is for one of two ways to reach other hosts: sections
// and files that say "with SSH" or "with TLS".
type tour struct {
	*fleet
	t      *testing.T
	way    string // SSH or TLS
	reader *reader
}

func newTour(t *testing.T, way string) *tour {
	t.Helper()
	f := newFleet(t, "pg1", "pg2", "pg3", "repo")
	if f == nil {
		return nil
	}
	v := &tour{fleet: f, t: t, way: way}
	v.reader = &reader{host: newHost(t, lab.named), t: t, seen: map[string]string{}, away: v.away}
	return v
}

var (
	heading  = regexp.MustCompile(`^(#+) (.*)`)
	iniPlace = regexp.MustCompile(`^# (/\S+) on ([a-z0-9, ]+?)(?:, with (SSH|TLS))?$`)
	listed   = regexp.MustCompile(`, | and `)
)

// follow does what the page says. Where a section ends a check may follow.
func (v *tour) follow(page *chapter, checks map[string]func()) {
	v.t.Helper()
	next, at, skip, grown := 0, "", 0, 0
	leave := func() {
		if check := checks[at]; check != nil {
			delete(checks, at)
			check()
		}
	}
	lines := slices.Clone(page.lines) // which may change
	for i := 0; i < len(lines); i++ {
		if next == len(page.blocks) || i != page.blocks[next].first {
			if m := heading.FindStringSubmatch(lines[i]); m != nil {
				leave()
				at = m[2]
				if level := len(m[1]); skip == 0 || level <= skip {
					skip = 0
					if way, ok := strings.CutPrefix(at, "With "); ok && way != v.way {
						skip = level
					}
				}
			}
			continue
		}
		b := page.blocks[next]
		next++
		i += len(b.lines) // what looks like a heading there is none
		if skip > 0 {
			continue
		}
		switch where := page.where(b.first); b.kind {
		case "console":
			for _, o := range b.orders {
				if o.user == "" {
					v.t.Fatalf("%s: %s: where?", where, o.command)
				}
				grown += v.reader.follow(page, o, grown)
			}
		case "ini":
			m := iniPlace.FindStringSubmatch(b.lines[0])
			if m == nil {
				v.t.Fatalf("%s: the path is missing", where)
			}
			if m[3] != "" && m[3] != v.way {
				continue
			}
			for _, name := range listed.Split(m[2], -1) {
				v.machine(name).write("root", m[1], strings.Join(b.lines[1:], "\n"))
			}
		default:
			v.t.Errorf("%s: %q is no kind of block", where, b.kind)
		}
	}
	leave()
	for name := range checks {
		v.t.Errorf("no section %q", name)
	}
	if *update && v.way == "SSH" {
		page.lines = strings.Split(v.reader.actual(strings.Join(page.lines, "\n")), "\n")
		page.save(v.t)
	}
}

// away runs a command on all hosts of its prompt, and gives what the first of them prints that does not print what it should. Questions to
// a server are asked again until the answer is the right one, as by a person who waits for a standby.
func (v *tour) away(o order) (string, error) {
	command := v.reader.actual(o.command)
	outs := make([]string, len(o.hosts))
	fails := make([]error, len(o.hosts))
	right := func(out string) bool { return same(o.output, v.reader.there(out)) }
	var wait sync.WaitGroup
	for i, name := range o.hosts {
		wait.Go(func() {
			for begun := time.Now(); ; time.Sleep(100 * time.Millisecond) {
				outs[i], fails[i] = v.machine(name).run(o.user, command)
				if !strings.HasPrefix(command, "psql ") || len(o.output) == 0 || right(outs[i]) || time.Since(begun) > 30*time.Second {
					return
				}
			}
		})
	}
	wait.Wait()
	if err := cmp.Or(fails...); err != nil {
		for i, name := range o.hosts {
			v.t.Errorf("%s: %v: %s", name, fails[i], outs[i])
		}
		v.t.Fatalf("%s", command)
	}
	i := slices.IndexFunc(outs, func(out string) bool { return !right(out) })
	return outs[max(i, 0)], nil
}
