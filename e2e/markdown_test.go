package e2e

import (
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// chapter is a Markdown file whose examples are run. Four kinds of fenced blocks are known:
//
//	console  lines with a prompt ("$ " the user postgres, "# " root, or "user@host,host$ ") are run, the others are what they print;
//	         a line of three dots stands for any lines, and a prompt line that ends in a backslash goes on in the next
//	ini      a configuration file, whose first line is a comment with its path
//	cron     a table of jobs, each of which must run without a word
//	sh       targets of the Makefile, which are there but not run
type chapter struct {
	name   string
	lines  []string
	blocks []fence
}

type fence struct {
	kind   string
	first  int // index of the first line in the page
	lines  []string
	orders []order
}

// order is one command of a console block and what it prints.
type order struct {
	root    bool
	user    string // where a page speaks of several hosts
	hosts   []string
	command string
	first   int // index of the first line of the output in the page
	output  []string
}

func readChapter(t *testing.T, name string) *chapter {
	t.Helper()
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	p := &chapter{name: name, lines: strings.Split(string(b), "\n")}
	for i := 0; i < len(p.lines); i++ {
		kind, opens := strings.CutPrefix(p.lines[i], "```")
		if !opens {
			continue
		}
		n := slices.Index(p.lines[i+1:], "```")
		if n < 0 {
			t.Fatalf("%s:%d: a block without end", name, i+1)
		}
		bl := fence{kind: kind, first: i + 1, lines: p.lines[i+1 : i+1+n]}
		if kind == "console" {
			bl.orders = ordersOf(bl)
		}
		p.blocks = append(p.blocks, bl)
		i += n + 1
	}
	return p
}

var promptPattern = regexp.MustCompile(`^(?:([a-z]+)@([a-z0-9,]+))?([$#]) `)

func ordersOf(b fence) (orders []order) {
	for i := 0; i < len(b.lines); i++ {
		line := b.lines[i]
		prompt := promptPattern.FindStringSubmatch(line)
		if prompt == nil {
			if len(orders) > 0 {
				last := &orders[len(orders)-1]
				last.output = append(last.output, line)
			}
			continue
		}
		o := order{root: prompt[3] == "#", user: prompt[1], hosts: strings.Split(prompt[2], ","), command: line[len(prompt[0]):]}
		for strings.HasSuffix(o.command, `\`) && i+1 < len(b.lines) {
			i++
			o.command += "\n" + b.lines[i]
		}
		o.first = b.first + i + 1
		orders = append(orders, o)
	}
	return orders
}

// where names a place in the page as editors know it.
func (p *chapter) where(line int) string { return fmt.Sprintf("%s:%d", p.name, line+1) }

// replace puts new lines in the place of old ones, and returns by how many lines the page has grown.
func (p *chapter) replace(first, n int, lines []string) int {
	p.lines = slices.Replace(p.lines, first, first+n, lines...)
	return len(lines) - n
}

func (p *chapter) save(t *testing.T) {
	t.Helper()
	if err := os.WriteFile(p.name, []byte(strings.Join(p.lines, "\n")), 0o644); err != nil {
		t.Fatal(err)
	}
}

// What the documentation shows is compared strictly but for what differs between any two runs.
func TestSameOutput(t *testing.T) {
	for _, c := range []struct {
		shown, got string
		want       bool
	}{
		{"", "", true},
		{"new backup label = 20260101-000000F", "new backup label = 20270203-040506F", true},
		{"new backup label = 20260101-000000F", "new backup label = 20270203-040506F_20270203-040507I", true},
		{"new backup label = 20260101-000000F", "no backup", false},
		{"120000 12000", "9 1", true},
		{"full backup size = 25.2MB", "full backup size = 900KB, file total = 9", false},
		{"a|...|d", "a|b|c|d", true},
		{"a|...|d", "a|d", true},
		{"a|...|d", "a|b|c", false},
		{"a", "a|b", false},
		{"a|b", "a", false},
		{"", "WARN: a", false},
	} {
		if got := same(lines(c.shown), lines(c.got)); got != c.want {
			t.Errorf("%q and %q: %t", c.shown, c.got, got)
		}
	}
}

func lines(text string) []string {
	if text == "" {
		return nil
	}
	return strings.Split(text, "|")
}
