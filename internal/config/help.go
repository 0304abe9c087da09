package config

import (
	"io"
	"path/filepath"
	"slices"
	"strings"
	"unicode"

	"holdfast/internal/errs"
)

const helpWidth = 80

// Help explains the program, a command or an option, whichever the command line asked for. It writes nothing if it returns an
// error of the option table.
func Help(c *Config, w io.Writer) error {
	p := &page{config: c, program: filepath.Base(c.in.Program)}
	switch {
	case c.general:
		p.overview()
	case len(c.Params) == 0:
		p.command()
	case len(c.Params) > 1:
		return errs.New(errs.ParamInvalid, "only one option allowed for option help")
	default:
		m, found, err := c.table.find(c.Params[0], extended|anyIndex)
		if err != nil {
			return err
		}
		if !found || !c.valid(m.option) {
			return errs.New(errs.OptionInvalid, "option '%s' is not valid for command '%s'", c.Params[0], c.Command)
		}
		p.option(m.option)
	}
	_, err := io.WriteString(w, p.text.String())
	return err
}

// page is help under construction.
type page struct {
	config  *Config
	program string
	text    strings.Builder
}

func (p *page) heading(topic string) { p.text.WriteString(p.config.in.Title + " - " + topic + "\n") }

// paragraphs writes texts, each after an empty line.
func (p *page) paragraphs(texts ...string) {
	for _, text := range texts {
		p.text.WriteString("\n")
		for _, line := range wrap(text, helpWidth) {
			p.text.WriteString(line + "\n")
		}
	}
}

// row writes a name and, in a second column, a text.
func (p *page) row(indent, name string, width int, text string) {
	column := len(indent) + width + 2
	before := indent + name + strings.Repeat(" ", column-len(indent)-len(name))
	for _, line := range wrap(text, helpWidth-column) {
		p.text.WriteString(strings.TrimRight(before+line, " ") + "\n")
		before = strings.Repeat(" ", column)
	}
}

// overview lists the commands.
func (p *page) overview() {
	p.heading("General help")
	p.text.WriteString("\nUsage:\n    " + p.program + " [options] [command]\n\nCommands:\n")
	var list []*CommandInfo
	width := 0
	for i := range commands {
		info := &commands[i]
		if !info.Internal && (!info.Extension || p.config.table.extensions) {
			list = append(list, info)
			width = max(width, len(info.Name))
		}
	}
	for _, info := range list {
		p.row("    ", info.Name, width, phrase(info.Summary))
	}
	p.text.WriteString("\nUse '" + p.program + " help [command]' for more information.\n")
}

// command explains a command and lists its options.
func (p *page) command() {
	c := p.config
	p.heading("'" + c.Command + "' command help")
	p.paragraphs(c.info.Summary)
	p.paragraphs(strings.Split(c.info.Text, "\n\n")...)
	if c.info.Internal {
		p.paragraphs("This command is for internal use: other parts of the program rely on it, and it may change without notice.")
	}
	byGroup := map[string][]Option{}
	width := 0
	for _, o := range c.table.options {
		here := o.at(c.Command)
		if here.Internal || here.HelpGroup == "" || !c.valid(o) {
			continue
		}
		byGroup[here.HelpGroup] = append(byGroup[here.HelpGroup], here)
		width = max(width, len("--")+len(o.Name))
	}
	names := make([]string, 0, len(byGroup))
	for name := range byGroup {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		p.text.WriteString("\n" + strings.ToUpper(name[:1]) + name[1:] + " Options:\n\n")
		for _, o := range byGroup[name] {
			p.row("  ", "--"+o.Name, width, phrase(o.Summary)+p.bracket(c.table.exact(o.Name)))
		}
	}
	p.text.WriteString("\nUse '" + p.program + " help " + c.Command + " [option]' for more information.\n")
}

// bracket returns " [current=x, default=y]" with the parts there are.
func (p *page) bracket(o *Option) string {
	var parts []string
	if v := p.current(o); v.any() {
		parts = append(parts, "current="+v.one())
	}
	if v := p.fallback(o); v.any() {
		parts = append(parts, "default="+v.one())
	}
	if parts == nil {
		return ""
	}
	return " [" + strings.Join(parts, ", ") + "]"
}

// option explains an option.
func (p *page) option(o *Option) {
	c := p.config
	here := o.at(c.Command)
	p.heading("'" + c.Command + "' command - '" + o.Name + "' option help")
	p.paragraphs(here.Summary)
	p.paragraphs(strings.Split(here.Text, "\n\n")...)
	if here.Internal {
		p.paragraphs("This option is for internal use: the program sets it itself, and it may change without notice.")
	}
	if here.Beta {
		p.paragraphs("This option is for testing only. Do not use it where the data matters.")
	}
	current, fallback := p.current(o), p.fallback(o)
	if current.any() || fallback.any() {
		p.text.WriteString("\n")
	}
	p.values("current", current)
	p.values("default", fallback)
	p.oldNames(o)
}

// values writes a value, or one per index where they differ.
func (p *page) values(label string, v shownValues) {
	switch {
	case !v.any():
	case v.same():
		p.text.WriteString(label + ": " + v[0].text + "\n")
	default:
		p.text.WriteString(label + ":\n")
		for _, s := range v {
			if s.text != "" {
				p.text.WriteString("  " + s.name + ": " + s.text + "\n")
			}
		}
	}
}

func (p *page) oldNames(o *Option) {
	var names []string
	for _, old := range o.Deprecated {
		if old.Name != o.Name {
			names = append(names, old.Name)
		}
	}
	slices.Sort(names)
	switch len(names) {
	case 0:
	case 1:
		p.text.WriteString("\ndeprecated name: " + names[0] + "\n")
	default:
		p.text.WriteString("\ndeprecated names: " + strings.Join(names, ", ") + "\n")
	}
}

// shownValues are the values of an option for all indexes of its group.
type shownValues []struct{ name, text string }

func (v shownValues) any() bool {
	for _, s := range v {
		if s.text != "" {
			return true
		}
	}
	return false
}

func (v shownValues) same() bool {
	for _, s := range v {
		if s.text != v[0].text && v[0].text != redacted && s.text != redacted {
			return false
		}
	}
	return true
}

func (v shownValues) one() string {
	if v.same() {
		return v[0].text
	}
	return "<multi>"
}

// each collects a text for every index of an option.
func (p *page) each(o *Option, text func(ref) string) shownValues {
	keys := []int{0}
	if o.Group != "" {
		keys = p.config.keys[o.Group]
	}
	var all shownValues
	for _, key := range keys {
		name := ""
		if key != 0 {
			name, _, _ = strings.Cut(withIndex(o.Group+"-", key), "-")
		}
		all = append(all, struct{ name, text string }{name, text(ref{o, key})})
	}
	return all
}

// current returns what the user has set.
func (p *page) current(o *Option) shownValues {
	return p.each(o, func(r ref) string {
		v := p.config.values[r]
		if v == nil || v.source == Default {
			return ""
		}
		return strings.Join(render(o, v), ", ")
	})
}

// fallback returns the defaults, where the option has a say at all.
func (p *page) fallback(o *Option) shownValues {
	here := o.at(p.config.Command)
	return p.each(o, func(r ref) string {
		v := p.config.values[r]
		if met, _ := p.config.met(r, here.Depend); !met || v == nil {
			return ""
		}
		if v.source == Default && v.has {
			return string(v.text)
		}
		return p.config.fallback(r, &here)
	})
}

// phrase turns a summary into what stands in a list: no full stop, and a small first letter unless the first word is an acronym or
// a name.
func phrase(summary string) string {
	summary = strings.TrimSuffix(summary, ".")
	first, _, _ := strings.Cut(summary, " ")
	capitals := 0
	for _, r := range first {
		if unicode.IsUpper(r) {
			capitals++
		}
	}
	if len(first) > 1 && capitals == 1 {
		return strings.ToLower(summary[:1]) + summary[1:]
	}
	return summary
}

// wrap breaks text at blanks into lines of at most width characters. Longer words get a line of their own.
func wrap(text string, width int) []string {
	var lines []string
	line := ""
	for word := range strings.FieldsSeq(text) {
		switch {
		case line == "":
			line = word
		case len(line)+1+len(word) <= width:
			line += " " + word
		default:
			lines = append(lines, line)
			line = word
		}
	}
	return append(lines, line)
}
