package command

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"regexp/syntax"
	"slices"
	"strings"

	"holdfast/internal/errs"
	"holdfast/internal/format"
	"holdfast/internal/storage"
)

// runRepoLs lists a directory of a repository.
func runRepoLs(ctx context.Context, s *session) error {
	name, err := s.pathParameter()
	if err != nil {
		return err
	}
	r, err := s.defaultRepo(ctx)
	if err != nil {
		return err
	}
	if name, err = belowRepo(r, name); err != nil {
		return err
	}
	l := &lister{
		storage: r.Storage(),
		recurse: s.cfg.Bool("recurse"),
		sort:    s.cfg.String("sort"),
		json:    s.cfg.String("output") == "json",
		out:     bufio.NewWriter(s.env.Stdout),
	}
	if s.cfg.Has("filter") {
		if l.filter, err = filterOf(s.cfg.String("filter")); err != nil {
			return err
		}
	}
	return s.written(l.run(ctx, path.Join(r.Path(), name)))
}

// lister writes a list as it goes: with no more than one directory in memory, or less if nothing has to be sorted.
type lister struct {
	storage storage.Storage
	filter  *regexp.Regexp
	recurse bool
	sort    string
	json    bool
	out     *bufio.Writer
	wrote   bool
}

func (l *lister) run(ctx context.Context, top string) error {
	if l.json {
		l.out.WriteByte('{')
	}
	if err := l.top(ctx, top); err != nil {
		return err
	}
	if l.json {
		l.out.WriteString("}\n")
	}
	return l.out.Flush()
}

// top writes a file as ".", and a directory with what is in it. Nothing there is an empty directory: some storages have no others.
func (l *lister) top(ctx context.Context, top string) error {
	info, err := l.storage.Stat(ctx, top)
	missing := errors.Is(err, fs.ErrNotExist)
	if err != nil && !missing {
		return err
	}
	if !missing && info.Type == storage.File {
		if !l.wants(top) {
			return nil
		}
		return l.write(".", info)
	}
	if l.json && l.wants(".") {
		if err := l.write(".", storage.Info{Type: storage.Dir}); err != nil {
			return err
		}
	}
	if missing {
		return nil
	}
	return l.list(ctx, top, "")
}

func (l *lister) wants(name string) bool { return l.filter == nil || l.filter.MatchString(name) }

// list writes a directory. Below is what its names begin with.
func (l *lister) list(ctx context.Context, dir, below string) error {
	var infos []storage.Info
	err := l.storage.List(ctx, dir, func(info storage.Info) error {
		if l.sort == "none" && !l.recurse {
			return l.entry(ctx, dir, below, info)
		}
		infos = append(infos, info)
		return nil
	})
	if err != nil && !errs.Is(err, errs.PathMissing) {
		return err
	}
	if l.sort != "none" {
		slices.SortFunc(infos, func(a, b storage.Info) int { return strings.Compare(a.Name, b.Name) })
	}
	if l.sort == "desc" {
		slices.Reverse(infos)
	}
	for _, info := range infos {
		if err := l.entry(ctx, dir, below, info); err != nil {
			return err
		}
	}
	return nil
}

// entry writes an entry and what is below it, which comes first when the order is turned around.
func (l *lister) entry(ctx context.Context, dir, below string, info storage.Info) error {
	deeper := func() error {
		if !l.recurse || info.Type != storage.Dir {
			return nil
		}
		return l.list(ctx, path.Join(dir, info.Name), below+info.Name+"/")
	}
	if l.sort == "desc" {
		if err := deeper(); err != nil {
			return err
		}
	}
	if name := below + info.Name; l.wants(name) {
		if err := l.write(name, info); err != nil {
			return err
		}
	}
	if l.sort == "desc" {
		return nil
	}
	return deeper()
}

func (l *lister) write(name string, info storage.Info) error {
	if !l.json {
		_, err := fmt.Fprintln(l.out, name)
		return err
	}
	if l.wrote {
		l.out.WriteByte(',')
	}
	l.wrote = true
	_, err := fmt.Fprintf(l.out, "%s:{%s}", format.Quote(name), members(info))
	return err
}

// members describes an entry in JSON. The order is part of the form.
func members(info storage.Info) string {
	switch info.Type {
	case storage.File:
		return fmt.Sprintf(`"type":"file","size":%d,"time":%d`, info.Size, info.ModTime.Unix())
	case storage.Dir:
		return `"type":"path"`
	case storage.Link:
		return `"type":"link","destination":` + format.Quote(info.Target)
	}
	return `"type":"special"`
}

// filterOf compiles an expression. Errors are worded like those of the C library.
func filterOf(expression string) (*regexp.Regexp, error) {
	compiled, err := regexp.Compile(expression)
	if err == nil {
		return compiled, nil
	}
	text := "Invalid regular expression"
	var wrong *syntax.Error
	if errors.As(err, &wrong) {
		switch wrong.Code {
		case syntax.ErrMissingParen:
			text = `Unmatched ( or \(`
		case syntax.ErrUnexpectedParen:
			text = `Unmatched ) or \)`
		case syntax.ErrMissingRepeatArgument, syntax.ErrInvalidRepeatOp:
			text = "Invalid preceding regular expression"
		case syntax.ErrInvalidRepeatSize:
			text = `Invalid content of \{\}`
		case syntax.ErrInvalidCharRange:
			text = "Invalid range end"
			if strings.HasPrefix(wrong.Expr, "[:") {
				text = "Invalid character class name"
			}
		case syntax.ErrTrailingBackslash:
			text = "Trailing backslash"
		}
	}
	return nil, errs.Because(errs.Format, err, "%s", text)
}
