package info

import (
	"context"
	"errors"
	"io/fs"
	"maps"
	"path"
	"slices"

	"holdfast/internal/errs"
	"holdfast/internal/format"
	"holdfast/internal/lock"
	"holdfast/internal/repo"
	"holdfast/internal/storage"
)

// Options says what to look at.
type Options struct {
	Repos   []*repo.Repo // opened for any stanza
	Stanza  string       // "" for all
	Set     string       // only this backup, in detail
	Type    string       // only backups of this type
	Brief   bool         // only status and locks
	LockDir string
}

// Collect returns the stanzas in the order of their names.
func Collect(ctx context.Context, o Options) ([]Stanza, error) {
	c := &collector{Options: o, failed: map[*repo.Repo]error{}, present: map[*repo.Repo][]string{}}
	names, err := c.names(ctx)
	if err != nil {
		return nil, err
	}
	stanzas := []Stanza{}
	for _, name := range names {
		s, err := c.stanza(ctx, name)
		if err != nil {
			return nil, err
		}
		stanzas = append(stanzas, s)
	}
	return stanzas, nil
}

type collector struct {
	Options
	failed  map[*repo.Repo]error    // repositories that could not be listed
	present map[*repo.Repo][]string // stanzas of the others
}

// noName stands for the stanza when a repository is broken and no stanza is known at all.
const noName = "[invalid]"

// names lists the stanzas to report.
func (c *collector) names(ctx context.Context) ([]string, error) {
	found := map[string]bool{}
	for _, r := range c.Repos {
		names, err := list(ctx, r)
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		if err != nil {
			c.failed[r] = err
			continue
		}
		c.present[r] = names
		for _, name := range names {
			found[name] = true
		}
	}
	switch {
	case c.Stanza != "":
		return []string{c.Stanza}, nil
	case len(found) == 0 && len(c.failed) > 0:
		return []string{noName}, nil
	}
	return slices.Sorted(maps.Keys(found)), nil
}

// list returns the names of all stanzas of a repository.
func list(ctx context.Context, r *repo.Repo) ([]string, error) {
	var names []string
	err := r.Storage().List(ctx, path.Join(r.Path(), "backup"), func(i storage.Info) error {
		names = append(names, i.Name)
		return nil
	})
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return names, err
}

func (c *collector) stanza(ctx context.Context, name string) (Stanza, error) {
	s := Stanza{Name: name, Brief: c.Brief}
	var current []DB // of each readable repository
	for _, r := range c.Repos {
		v := c.view(ctx, r.ForStanza(name), r)
		if ctx.Err() != nil {
			return s, ctx.Err()
		}
		s.Repos = append(s.Repos, v.repo)
		if v.readable || c.Brief {
			if err := c.locks(&s, name, r.Key()); err != nil {
				return s, err
			}
		}
		if !v.readable {
			continue
		}
		current = append(current, v.dbs[len(v.dbs)-1])
		s.DBs = append(s.DBs, v.dbs...)
		s.Archives = append(s.Archives, v.archives...)
		s.Backups = append(s.Backups, v.backups...)
	}
	slices.SortStableFunc(s.Backups, func(a, b Backup) int { return int(min(max(a.Stop-b.Stop, -1), 1)) })
	c.markMissing(&s)
	s.summarise(current)
	return s, nil
}

// markMissing tells the repositories that were fine that they lack the wanted backup, if all do. What else they hold is then beside
// the point.
func (c *collector) markMissing(s *Stanza) {
	if c.Set == "" || c.Brief || len(s.Backups) > 0 {
		return
	}
	s.DBs, s.Archives = nil, nil
	for i := range s.Repos {
		if r := &s.Repos[i]; r.Code == OK {
			r.Code, r.Message = BackupMissing, messages[BackupMissing]
		}
	}
}

// summarise makes one status and cipher of those of the repositories.
func (s *Stanza) summarise(current []DB) {
	s.Code, s.Cipher = s.Repos[0].Code, s.Repos[0].Cipher
	for _, r := range s.Repos {
		if r.Code != s.Code {
			s.Code = Mixed
		}
		if r.Cipher != s.Cipher {
			s.Cipher = "mixed"
		}
	}
	for _, d := range current {
		if d.SystemID != current[0].SystemID || d.Version != current[0].Version {
			s.Code = DatabaseMismatch
		}
	}
}

// locks adds what is running according to the lock files of one repository.
func (c *collector) locks(s *Stanza, stanza string, key int) error {
	backup, err := lock.Read(lock.File(c.LockDir, stanza, lock.Backup, key))
	if err != nil {
		return err
	}
	restore, err := lock.Read(lock.File(c.LockDir, stanza, lock.Restore, key))
	if err != nil {
		return err
	}
	if p := s.Lock.Backup.add(backup); p.Sized {
		p.Key = key
		s.Lock.BackupByRepo = append(s.Lock.BackupByRepo, p)
	}
	s.Lock.Restore.add(restore)
	return nil
}

// add sums up the progress in one more lock file and returns that of the file.
func (p *Progress) add(state lock.State) Progress {
	if !state.Held {
		return Progress{}
	}
	p.Held = true
	if state.Size == nil || state.SizeComplete == nil {
		return Progress{Held: true}
	}
	p.Sized = true
	p.Total += *state.Size
	p.Done += *state.SizeComplete
	return Progress{Held: true, Sized: true, Total: *state.Size, Done: *state.SizeComplete}
}

// view is a stanza in one repository.
type view struct {
	repo     Repo
	readable bool
	dbs      []DB
	archives []Archive
	backups  []Backup
}

func (c *collector) view(ctx context.Context, r, listed *repo.Repo) view {
	v := view{repo: Repo{Key: r.Key(), Cipher: r.CipherType()}}
	err := c.failed[listed]
	switch {
	case err != nil:
		v.fail(err)
		return v
	case c.Brief && c.Stanza == "":
	case !slices.Contains(c.present[listed], r.Stanza()):
		v.repo.Code = MissingPath
	case !c.Brief:
		err = c.read(ctx, r, &v)
	}
	v.repo.Message = messages[v.repo.Code]
	if err != nil {
		v.fail(err)
	}
	return v
}

func (v *view) fail(err error) {
	v.repo.Code, v.repo.Message = Other, errs.Typed(err)
	if errs.Is(err, errs.Crypto) {
		v.repo.Message += "\nHINT: use option --stanza if encryption settings are different for the stanza than the global settings."
	}
}

// read loads what one repository has of a stanza.
func (c *collector) read(ctx context.Context, r *repo.Repo, v *view) error {
	backup, err := r.LoadBackupInfo(ctx)
	if errs.Is(err, errs.FileMissing) {
		v.repo.Code = MissingData
		return nil
	}
	if err != nil {
		return err
	}
	archive, err := r.LoadArchiveInfo(ctx)
	if err != nil {
		return err
	}
	if len(backup.Backups) == 0 {
		v.repo.Code = NoBackups
	}
	var dbs []DB
	for _, d := range backup.History {
		dbs = append(dbs, DB{ID: d.ID, RepoKey: r.Key(), SystemID: d.SystemID, Version: d.Version})
	}
	archives, err := archives(ctx, r, archive)
	if err != nil {
		return err
	}
	backups, err := c.backups(ctx, r, backup)
	if err != nil {
		return err
	}
	v.readable, v.dbs, v.archives, v.backups = true, dbs, archives, backups
	return nil
}

// backups lists the backups that were asked for.
func (c *collector) backups(ctx context.Context, r *repo.Repo, info *format.BackupInfo) ([]Backup, error) {
	var list []Backup
	for _, b := range info.Backups {
		if c.Type != "" && string(b.Type) != c.Type || c.Set != "" && b.Label != c.Set {
			continue
		}
		item := describe(b, r.Key())
		if c.Set != "" {
			there, err := r.ManifestExists(ctx, b.Label)
			if err != nil {
				return nil, err
			}
			if !there {
				continue
			}
			m, err := r.LoadManifest(ctx, b.Label, info.CipherPass)
			if err != nil {
				return nil, err
			}
			item.Detail = detail(m)
		}
		list = append(list, item)
	}
	return list, nil
}
