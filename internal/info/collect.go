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
	views := make([]view, len(c.Repos))
	found := false
	for i, r := range c.Repos {
		views[i] = c.view(ctx, r.ForStanza(name), r)
		if ctx.Err() != nil {
			return s, ctx.Err()
		}
		found = found || views[i].manifest != nil
		if views[i].readable {
			c.locks(&s, name, r.Key())
		}
	}
	if c.Set != "" && !found {
		missing(views)
	}
	lists := make([][]Backup, 0, len(views))
	for _, v := range views {
		s.Repos = append(s.Repos, v.repo)
		s.DBs = append(s.DBs, v.dbs...)
		s.Archives = append(s.Archives, v.archives...)
		lists = append(lists, v.backups)
	}
	// What is left out is left out of the merged list, so that it does not change the order of the rest.
	s.Backups = slices.DeleteFunc(merge(lists), func(b Backup) bool {
		return c.Type != "" && b.Type != c.Type || c.Set != "" && b.Detail == nil
	})
	s.summarise(views)
	return s, nil
}

// missing makes repositories that were fine lack the wanted backup. What else they hold is then beside the point.
func missing(views []view) {
	for i := range views {
		if v := &views[i]; v.repo.Code == OK || v.repo.Code == NoBackups {
			*v = view{repo: Repo{Key: v.repo.Key, Cipher: v.repo.Cipher, Code: BackupMissing, Message: messages[BackupMissing]}}
		}
	}
}

// merge joins the backups of several repositories, each in the order of labels, by the time they ended.
func merge(lists [][]Backup) []Backup {
	var merged []Backup
	for {
		next := -1
		for i, list := range lists {
			if len(list) > 0 && (next < 0 || list[0].Stop < lists[next][0].Stop) {
				next = i
			}
		}
		if next < 0 {
			return merged
		}
		merged = append(merged, lists[next][0])
		lists[next] = lists[next][1:]
	}
}

// summarise makes one status and cipher of those of the repositories.
func (s *Stanza) summarise(views []view) {
	s.Code, s.Cipher = s.Repos[0].Code, s.Repos[0].Cipher
	for _, r := range s.Repos {
		if r.Code != s.Code {
			s.Code = Mixed
		}
		if r.Cipher != s.Cipher {
			s.Cipher = "mixed"
		}
	}
	var first *DB
	for _, v := range views {
		if len(v.dbs) == 0 {
			continue
		}
		current := &v.dbs[len(v.dbs)-1]
		if first == nil {
			first = current
		}
		if current.SystemID != first.SystemID || current.Version != first.Version {
			s.Code = DatabaseMismatch
		}
	}
}

// locks adds what is running according to the lock files of one repository. What cannot be read, because it is another user's for
// example, is as good as not there.
func (c *collector) locks(s *Stanza, stanza string, key int) {
	if state, err := lock.Read(lock.File(c.LockDir, stanza, lock.Backup, key)); err == nil {
		if p := s.Lock.Backup.add(state); p.Sized {
			p.Key = key
			s.Lock.BackupByRepo = append(s.Lock.BackupByRepo, p)
		}
	}
	if state, err := lock.Read(lock.File(c.LockDir, stanza, lock.Restore, key)); err == nil {
		s.Lock.Restore.add(state)
	}
}

// add sums up the progress in one more lock file and returns that of the file.
func (p *Progress) add(state lock.State) Progress {
	if !state.Held || state.PID == 0 { // PID 0: the content cannot be understood
		return Progress{}
	}
	p.Held = true
	if state.Size == nil || state.SizeComplete == nil || *state.Size == 0 {
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
	readable bool // nothing is wrong with it
	dbs      []DB // the last is the current one
	archives []Archive
	backups  []Backup
	manifest *format.Manifest // of the backup that was asked for
}

func (c *collector) view(ctx context.Context, r, listed *repo.Repo) view {
	v := view{repo: Repo{Key: r.Key(), Cipher: r.CipherType()}}
	if err := c.look(ctx, r, listed, &v); err != nil {
		v = view{repo: v.repo}
		v.fail(err)
		return v
	}
	v.repo.Message = messages[v.repo.Code]
	return v
}

// look fills in what is wanted of a repository.
func (c *collector) look(ctx context.Context, r, listed *repo.Repo, v *view) error {
	there := false
	if c.Set != "" && !c.Brief {
		var err error
		if there, err = r.ManifestExists(ctx, c.Set); err != nil {
			return err
		}
	}
	if err := c.failed[listed]; err != nil {
		return err
	}
	switch present := slices.Contains(c.present[listed], r.Stanza()); {
	case present && c.Brief:
		v.readable = true
	case present:
		return c.read(ctx, r, there, v)
	case !c.Brief || c.Stanza != "": // in brief, without a stanza to look for, nothing is missing
		v.repo.Code = MissingPath
	}
	return nil
}

func (v *view) fail(err error) {
	v.repo.Code, v.repo.Message = Other, errs.Typed(err)
	if errs.Is(err, errs.Crypto) {
		v.repo.Message += "\nHINT: use option --stanza if encryption settings are different for the stanza than the global settings."
	}
}

// read loads what one repository has of a stanza, with the manifest of the wanted backup if that is there.
func (c *collector) read(ctx context.Context, r *repo.Repo, there bool, v *view) error {
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
	if there {
		if v.manifest, err = r.LoadManifest(ctx, c.Set, backup.CipherPass); err != nil {
			return err
		}
	}
	if v.archives, err = archives(ctx, r, archive); err != nil {
		return err
	}
	if len(backup.Backups) == 0 {
		v.repo.Code = NoBackups
	}
	for _, d := range backup.History {
		v.dbs = append(v.dbs, DB{ID: d.ID, RepoKey: r.Key(), SystemID: d.SystemID, Version: d.Version})
	}
	for _, b := range backup.Backups {
		item := describe(b, r.Key())
		if v.manifest != nil && b.Label == c.Set {
			item.Detail = detail(v.manifest)
		}
		v.backups = append(v.backups, item)
	}
	v.readable = true
	return nil
}
