package config

import (
	"encoding/json"
	"fmt"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"
)

// facts is the part of testdata/options.json the table is compared with.
type facts struct {
	Commands []struct {
		Name       string
		Internal   bool
		Roles      []string
		Lock       lockFacts
		LogFile    bool   `json:"log_file"`
		LogLevel   string `json:"log_level_default"`
		Parameters bool   `json:"parameters_allowed"`
	}
	Options []optionFacts
	Order   []string `json:"option_resolve_order"`
}

type lockFacts struct {
	Type   string
	Main   bool `json:"required_on_main"`
	Remote bool `json:"required_on_remote"`
}

type optionFacts struct {
	Name       string
	Type       string
	Section    string
	Group      string
	Internal   bool
	Beta       bool
	Secure     bool
	BoolLike   bool `json:"bool_like"`
	Negate     bool
	Reset      bool
	Required   bool
	Default    any
	Allow      []any         `json:"allow_list"`
	Depend     *dependFacts  `json:"depend"`
	Deprecated []oldNameFact `json:"deprecated_names"`
	Commands   map[string]useFacts
}

type dependFacts struct {
	Option string
	Values []any
	Unmet  any `json:"default_when_unmet"`
}

type oldNameFact struct {
	Name      string
	Unindexed bool
	Indexed   bool
}

type useFacts struct {
	Roles     []string
	HelpGroup string `json:"help_group"`
	Default   any
	Allow     []any `json:"allow_list"`
	Depend    *dependFacts
	Required  *bool
	Internal  bool
}

func loadFacts(t *testing.T) facts {
	t.Helper()
	data, err := os.ReadFile("testdata/options.json")
	if err != nil {
		t.Fatal(err)
	}
	var f facts
	if err := json.Unmarshal(data, &f); err != nil {
		t.Fatal(err)
	}
	return f
}

// text writes a JSON value the way the table does.
func text(v any) string {
	switch v := v.(type) {
	case nil:
		return ""
	case bool:
		return map[bool]string{true: "y", false: "n"}[v]
	case float64:
		return fmt.Sprint(int64(v))
	case string:
		return v
	}
	return ""
}

func list(values []any) []string {
	var out []string
	for _, v := range values {
		out = append(out, text(v))
	}
	return out
}

func (d *dependFacts) table() Depend {
	if d == nil {
		return Depend{}
	}
	return Depend{Option: d.Option, Values: list(d.Values), Unmet: text(d.Unmet)}
}

func equal(t *testing.T, what string, got, want any) {
	t.Helper()
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%s: %v, want %v", what, got, want)
	}
}

func TestCommandsMatchFacts(t *testing.T) {
	f := loadFacts(t)
	var ours []CommandInfo
	for _, c := range commands {
		if c.Summary == "" || c.Text == "" || !strings.HasSuffix(c.Summary, ".") {
			t.Errorf("command %s is not explained", c.Name)
		}
		if !c.Extension {
			ours = append(ours, c)
		}
	}
	equal(t, "number of commands", len(ours), len(f.Commands))
	for i, want := range f.Commands {
		got := ours[i]
		equal(t, "command", got.Name, want.Name)
		equal(t, got.Name+" roles", strings.Split(got.Roles, ","), want.Roles)
		equal(t, got.Name+" lock", lockFacts{got.Lock, got.LockMain, got.LockRemote}, want.Lock)
		equal(t, got.Name+" flags", []bool{got.Internal, got.LogFile, got.Parameters},
			[]bool{want.Internal, want.LogFile, want.Parameters})
		equal(t, got.Name+" level", got.LogLevel, want.LogLevel)
	}
}

func TestOptionsMatchFacts(t *testing.T) {
	f := loadFacts(t)
	table := newTable(false)
	equal(t, "number of options", len(table.options), len(f.Options))
	for _, want := range f.Options {
		o := table.exact(want.Name)
		if o == nil {
			t.Errorf("option %s is missing", want.Name)
			continue
		}
		want.compare(t, o)
		for _, c := range f.Commands {
			want.compareUse(t, o, c.Name, c.Roles)
		}
	}
	var order []string
	for _, o := range table.resolveOrder() {
		order = append(order, o.Name)
	}
	equal(t, "order of resolving", order, f.Order)
}

func (want optionFacts) compare(t *testing.T, o *Option) {
	types := map[string]Type{
		"boolean": Boolean, "string": String, "string-id": String, "path": Path, "integer": Integer, "size": Size, "time": Time,
		"list": List, "hash": Hash,
	}
	sections := map[string]Section{"global": Global, "stanza": Stanza, "command-line": CommandOnly}
	equal(t, o.Name+" type", o.Type, types[want.Type])
	equal(t, o.Name+" section", o.Section, sections[want.Section])
	equal(t, o.Name+" group", o.Group, want.Group)
	equal(t, o.Name+" flags", []bool{o.Internal, o.Beta, o.Secure, o.BoolLike, o.negatable(), o.resettable(), !o.Optional},
		[]bool{want.Internal, want.Beta, want.Secure, want.BoolLike, want.Negate, want.Reset, want.Required})
	equal(t, o.Name+" default", o.Default, text(want.Default))
	equal(t, o.Name+" allow", o.Allow, list(want.Allow))
	equal(t, o.Name+" depend", o.Depend, want.Depend.table())
	var old []oldNameFact
	for _, d := range o.Deprecated {
		old = append(old, oldNameFact{d.Name, d.Plain, d.Indexed})
	}
	if len(old) > 0 || len(want.Deprecated) > 0 {
		equal(t, o.Name+" old names", old, want.Deprecated)
	}
}

func (want optionFacts) compareUse(t *testing.T, o *Option, command string, commandRoles []string) {
	use, used := want.Commands[command]
	name := o.Name + " for " + command
	for role := Main; role <= Remote; role++ {
		_, inRole := o.validFor(command, role)
		wantRole := used && slices.Contains(use.Roles, role.String())
		if !slices.Contains(commandRoles, role.String()) {
			continue // nobody can ask
		}
		equal(t, name+" in role "+role.String(), inRole, wantRole)
	}
	if !used {
		return
	}
	here := o.at(command)
	if use.Default != nil {
		equal(t, name+" default", here.Default, text(use.Default))
	}
	if use.Allow != nil {
		equal(t, name+" allow", here.Allow, list(use.Allow))
	}
	if use.Depend != nil {
		equal(t, name+" depend", here.Depend, use.Depend.table())
	}
	if use.Required != nil {
		equal(t, name+" required", !here.Optional, *use.Required)
	}
	if use.HelpGroup != "" {
		equal(t, name+" help group", here.HelpGroup, use.HelpGroup)
	}
	equal(t, name+" internal", here.Internal, want.Internal || use.Internal)
}

// TestTable checks what must hold for every option whatever the facts are.
func TestTable(t *testing.T) {
	table := newTable(true)
	claimed := map[string]string{}
	for _, o := range table.options {
		claim := func(name string) {
			if by, taken := claimed[name]; taken && by != o.Name {
				t.Errorf("%s and %s both claim the name %s", by, o.Name, name)
			}
			claimed[name] = o.Name
		}
		claim(o.Name)
		for _, old := range o.Deprecated {
			claim(old.Name)
		}
		if len(o.Name) > maxName {
			t.Errorf("%s is too long", o.Name)
		}
		checkTexts(t, o.Name, o.Summary, o.Text)
		for _, e := range o.Except {
			if any, _ := o.validFor(e.Command, Main); !any {
				t.Errorf("%s: exception for %s, which does not have the option", o.Name, e.Command)
			}
			if e.Summary != "" {
				checkTexts(t, o.Name+" for "+e.Command, e.Summary, e.Text)
			}
		}
		for i := range commands {
			if any, _ := o.validFor(commands[i].Name, Main); any {
				here := o.at(commands[i].Name)
				checkDefaults(t, &here)
			}
		}
	}
}

func checkTexts(t *testing.T, name, summary, text string) {
	t.Helper()
	if !strings.HasSuffix(summary, ".") || !strings.HasSuffix(text, ".") {
		t.Errorf("%s: help is missing or does not end with a full stop", name)
	}
	if len(summary) > 80 {
		t.Errorf("%s: summary is too long", name)
	}
}

// checkDefaults runs every default through the checks for what people write.
func checkDefaults(t *testing.T, o *Option) {
	t.Helper()
	c := &Config{table: newTable(true), values: map[ref]*value{}, Command: "test"}
	check := func(o Option, text string) {
		if text == "" || o.Type == Boolean {
			return
		}
		o.By = ""
		v := &value{raw: []secretly{secretly(text)}}
		if err := c.accept(ref{option: &o}, &o, v); err != nil {
			t.Errorf("%s: default %s: %v", o.Name, text, err)
		}
	}
	check(*o, o.Default)
	for _, k := range o.Cases {
		with := *o
		with.Min, with.Max = k.Min, k.Max
		check(with, k.Default)
	}
	for _, bound := range []string{o.Min, o.Max} {
		if _, ok := number(o.Type, bound); bound != "" && !ok {
			t.Errorf("%s: bound %s is not a number", o.Name, bound)
		}
	}
}
