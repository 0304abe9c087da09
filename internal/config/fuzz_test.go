package config

import (
	"strings"
	"testing"

	"holdfast/internal/errs"
)

// FuzzDocument feeds configuration files to the parser. Whatever the content, what it accepts must be what the lines say.
func FuzzDocument(f *testing.F) {
	for _, seed := range []string{
		"[global]\nrepo1-path=/a\n# c\n  key = v = w  \nkey=x\r\n", "[a]\n[b]\nk=\n[a]\nk=2", "[global", "[]", "k=v", "[x]\n=v", "[x]\nkv", "[]]\na=b",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		doc := &document{sections: map[string]*section{}}
		err := doc.add(text)
		if err != nil && errs.CodeOf(err) != errs.Format {
			t.Fatalf("error %v", err)
		}
		if len(doc.order) != len(doc.sections) {
			t.Fatalf("%d sections in order, %d in all", len(doc.order), len(doc.sections))
		}
		var again strings.Builder
		for _, name := range doc.order {
			again.WriteString("[" + name + "]\n")
			s := doc.sections[name]
			for _, key := range s.keys {
				for _, v := range s.values[key] {
					again.WriteString(key + "=" + string(v) + "\n")
				}
			}
		}
		if err != nil || strings.ContainsAny(again.String(), "\r") {
			return
		}
		second := &document{sections: map[string]*section{}}
		if err := second.add(again.String()); err != nil {
			t.Fatalf("written again it fails: %v\n%s", err, again.String())
		}
		equal(t, "sections", second.order, doc.order)
	})
}

// FuzzParse feeds command lines, an environment variable and a configuration file to the whole parser. It must not panic, errors
// must have a code, and what is accepted must survive cross checks, help and the begin line.
func FuzzParse(f *testing.F) {
	for _, seed := range [][3]string{
		{"--stanza=demo backup --repo2-path=/b", "PGBACKREST_DELTA=y", "[demo]\npg1-path=/data\n"},
		{"help backup repo-path", "PGBACKREST_REPO1_TYPE=s3", "[global:backup]\nexclude=a\nexclude=b\n"},
		{"restore --type=time --target=x --no-config --reset-delta", "PGBACKREST_STANZA=x", "[x:restore]\nlink-map=a=b\n"},
		{"archive-push:async %p --db2-path=/x --pg256-host=h", "PGBACKREST_PG01_PATH=/", "[global]\nrepo-s3-key=x\n"},
		{"demo --keep --user=x", "PGBACKREST_=", "[global]\n"},
		{"version --output num", "", "[x"},
		{"--no-back --backup-st=prefer expire --oldest", "PGBACKREST_PROCESS_MAX=x", "[global]\nno-online=y\nrepo7-path=/z\n"},
	} {
		f.Add(seed[0], seed[1], seed[2])
	}
	f.Fuzz(func(t *testing.T, args, env, conf string) {
		c, err := Parse(Input{
			Program: "holdfast", Args: strings.Fields(args), Env: []string{env}, FS: memory(map[string]string{confPath: conf}),
		})
		if c == nil {
			t.Fatal("no configuration")
		}
		if err != nil {
			if code := errs.CodeOf(err); code == errs.Unhandled || code == errs.Assert {
				t.Fatalf("error %v has code %d", err, code)
			}
			return
		}
		if _, err := c.CrossCheck(); err != nil {
			return
		}
		c.SetExecID("1-a")
		if line := c.CommandLine(); !strings.HasPrefix(line, ":") {
			t.Fatalf("begin line %q", line)
		}
		if c.Help {
			_ = Help(c, &strings.Builder{})
		}
		if c.Command == "backup" {
			_ = c.For("expire").CommandLine()
		}
	})
}
