package config

import (
	"errors"
	"io/fs"
	"slices"
	"strings"
	"syscall"

	"holdfast/internal/errs"
)

const (
	configFile    = "/pgbackrest.conf"
	includeSubdir = "/conf.d"
	fileSuffix    = ".conf"
)

// place is a file or directory to read.
type place struct {
	path     string // "" for none
	required bool
	fallback string // read instead if path is missing
}

// setting returns what the user wrote for an option outside groups, and whether the option was given at all, be it negated.
func (c *Config) setting(option string) (text string, given bool) {
	v := c.values[ref{option: c.table.exact(option)}]
	if v == nil || !v.found {
		return "", false
	}
	if v.negate || len(v.raw) == 0 {
		return "", true
	}
	return string(v.raw[0]), true
}

// places decides which files are read.
func (c *Config) places() (file, include place) {
	base := c.in.DefaultConfigDir
	config, configGiven := c.setting("config")
	noConfig := configGiven && c.values[ref{option: c.table.exact("config")}].negate
	path, pathGiven := c.setting("config-path")
	includePath, includeGiven := c.setting("config-include-path")

	switch {
	case configGiven && noConfig:
	case configGiven:
		file = place{path: fromRoot(config), required: true}
	case pathGiven:
		file = place{path: fromRoot(path) + configFile}
	default:
		file = place{path: base + configFile}
	}
	if file.path == base+configFile && !configGiven {
		file.fallback = base + fileSuffix
	}
	switch {
	case includeGiven:
		include = place{path: fromRoot(includePath), required: true}
	case pathGiven:
		include = place{path: fromRoot(path) + includeSubdir}
	case !configGiven:
		include = place{path: base + includeSubdir}
	}
	return file, include
}

// fromRoot makes a file name absolute. The working directory does not count, because archive_command and schedulers run commands
// wherever they happen to be.
func fromRoot(name string) string {
	if strings.HasPrefix(name, "/") {
		return name
	}
	return "/" + name
}

// readFiles reads the configuration files as one document and takes the options from it that are not settled yet.
func (c *Config) readFiles() error {
	doc := &document{sections: map[string]*section{}}
	file, include := c.places()
	if err := c.readMain(doc, file); err != nil {
		return err
	}
	if err := c.readIncludes(doc, include); err != nil {
		return err
	}
	c.stanzas = doc.stanzas()
	return c.apply(doc)
}

func (c *Config) readMain(doc *document, file place) error {
	if file.path == "" {
		return nil
	}
	found, err := c.readInto(doc, file.path)
	if err != nil {
		return err
	}
	if !found && file.fallback != "" {
		found, err = c.readInto(doc, file.fallback)
		if err != nil {
			return err
		}
	}
	if !found && file.required {
		return errs.New(errs.FileMissing, "unable to open missing file '%s' for read", file.path)
	}
	return nil
}

// readIncludes reads the files of the include directory in the order of their names.
func (c *Config) readIncludes(doc *document, dir place) error {
	if dir.path == "" {
		return nil
	}
	entries, err := c.in.FS.ReadDir(dir.path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		if dir.required {
			return errs.New(errs.PathMissing, "unable to list file info for missing path '%s'", dir.path)
		}
		return nil
	case err != nil:
		return errs.Wrap(errs.PathOpen, system(err), "unable to list file info for path '%s'", dir.path)
	}
	var names []string
	for _, e := range entries {
		if strings.HasSuffix(e.Name(), fileSuffix) && e.Name() != fileSuffix {
			names = append(names, e.Name())
		}
	}
	slices.Sort(names)
	for _, name := range names {
		if _, err := c.readInto(doc, dir.path+"/"+name); err != nil {
			return err
		}
	}
	return nil
}

// readInto adds a file to the document. A missing file is not an error.
func (c *Config) readInto(doc *document, path string) (found bool, err error) {
	text, err := c.in.FS.ReadFile(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return false, nil
	case errors.Is(err, syscall.EISDIR):
		return false, errs.Wrap(errs.FileRead, system(err), "unable to read '%s'", path)
	case err != nil:
		return false, errs.Wrap(errs.FileOpen, system(err), "unable to open file '%s' for read", path)
	}
	return true, doc.add(string(text))
}

// stanzas returns the stanzas that have a section, sorted.
func (d *document) stanzas() []string {
	var names []string
	for _, section := range d.order {
		stanza, _, _ := strings.Cut(section, ":")
		if stanza != globalSection && stanza != "" {
			names = append(names, stanza)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// systemError prints an error of the operating system with its number.
type systemError struct{ error }

func system(err error) error { return systemError{err} }

func (e systemError) Error() string { return errs.System(e.error) }
func (e systemError) Unwrap() error { return e.error }
