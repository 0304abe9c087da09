package backup

import (
	"context"
	"slices"
	"sync"
	"time"

	"holdfast/internal/errs"
	"holdfast/internal/format"
	"holdfast/internal/postgres"
)

// clockTries is how often the server's clock may fail to move on.
const clockTries = 3

const controlFile = dataName + "/" + postgres.ControlName

// plan scans the cluster, decides what must be read, and gives the backup its label. Until then nothing has been written.
func (r *run) plan(ctx context.Context) error {
	r.m = r.newManifest()
	control := r.cluster.Control
	s := scanner{
		tree: r.cluster.Tree, log: r.Log, root: r.cluster.Path, m: r.m,
		rules:       postgres.NewRules(control.Version, control.CatalogVersion, r.Online),
		exclude:     newExclusions(r.Exclude),
		checksums:   *r.ChecksumPage,
		tablespaces: r.begun.tablespaces,
	}
	if err := s.scan(ctx); err != nil {
		return err
	}
	r.m.SetDefaults()
	if err := r.startCopy(ctx); err != nil {
		return err
	}
	r.cut()
	r.storeNothing()
	if err := r.compare(); err != nil {
		return err
	}
	r.todo = planJobs(r.m, r.prior, r.Delta)
	r.todo.pages, r.todo.bundleLimit = *r.ChecksumPage, -1
	if r.Bundle {
		r.todo.bundleLimit = r.BundleLimit
	}
	r.todo.standby = func(name string) bool { return onStandby(control.Version, name) }
	if err := checkJobs(r.todo, r.Online); err != nil {
		return err
	}
	if err := r.place(ctx); err != nil {
		return err
	}
	if !r.Resume {
		return nil
	}
	return r.Repo.SaveManifestCopy(ctx, r.m, r.info.CipherPass)
}

// newManifest returns a manifest with what is known before the cluster was scanned.
func (r *run) newManifest() *format.Manifest {
	control := r.cluster.Control
	return &format.Manifest{
		Program:        r.Repo.Program(),
		Type:           r.Type,
		TimestampStart: r.started,
		Bundle:         r.Bundle,
		BundleRaw:      r.Blocks != nil, // as long as there is no prior backup
		BlockIncr:      r.Blocks != nil,
		// Id and system id stay zero until the backup is complete.
		DB: format.BackupDB{
			Version: control.Version.String(), CatalogVersion: int(control.CatalogVersion), ControlVersion: int(control.ControlVersion),
		},
		Options: format.Options{
			ArchiveCheck: r.ArchiveCheck, ArchiveCopy: r.ArchiveCopy, Compress: r.Compression != 0, CompressType: r.Compression.String(),
			Hardlink: r.Repo.Hardlink(), Online: r.Online, ChecksumPage: r.ChecksumPage,
		},
	}
}

// startCopy notes when the copy begins. Times of files are whole seconds: a file that was listed and is then changed within the same
// second would look unchanged to the next backup. So the copy does not begin in the second of the scan.
func (r *run) startCopy(ctx context.Context) error {
	now, err := r.time(ctx)
	if err != nil {
		return err
	}
	r.m.TimestampCopyStart = now.Unix()
	if !r.Online {
		return nil
	}
	for range clockTries {
		if err := r.Sleep(ctx, now.Truncate(time.Second).Add(time.Second).Sub(now)); err != nil {
			return err
		}
		if now, err = r.time(ctx); err != nil {
			return err
		}
		if now.Unix() > r.m.TimestampCopyStart {
			r.m.TimestampCopyStart++
			return nil
		}
	}
	return errs.New(errs.Kernel, "PostgreSQL clock has not advanced to the next second after %d tries", clockTries)
}

// compare finds out what the prior backup already has, and whether times can be trusted for that.
func (r *run) compare() (err error) {
	if !r.Delta {
		r.enableDelta(future(r.m))
	}
	if r.prior == nil {
		r.m.CipherPass, err = r.Repo.NewPass()
	} else {
		r.enableDelta(historyChanged(r.m, r.prior, r.begun.segment))
		if !r.Delta {
			r.enableDelta(filesChanged(r.m, r.prior))
		}
		merge(r.m, r.prior)
	}
	r.m.Options.Delta = &r.Delta
	return err
}

func (r *run) enableDelta(reason string) {
	if reason != "" {
		r.Log.Warn("%s", reason)
		r.Delta = true
	}
}

// place gives the backup its label: that of an interrupted backup it goes on with, or a new one.
func (r *run) place(ctx context.Context) error {
	interrupted, err := r.interrupted(ctx)
	if err != nil {
		return err
	}
	if interrupted != nil {
		r.m.Label, r.m.CipherPass = interrupted.Label, interrupted.CipherPass
	} else if r.m.Label, err = r.newLabel(ctx); err != nil {
		return err
	}
	if r.prior != nil {
		r.m.References = append(r.m.References, r.prior.References...)
	}
	r.m.References = append(r.m.References, r.m.Label)
	if interrupted == nil {
		return nil
	}
	return r.clean(ctx, interrupted)
}

// plan says which files are read. All else about a file is worked out when its turn comes: of a million files there may be a number
// each, but not a job.
type plan struct {
	m, prior    *format.Manifest
	pages       bool                   // pages are checked
	bundleLimit int64                  // largest file that goes into a bundle, -1: none does
	standby     func(name string) bool // may be read from a standby

	files []uint32 // to be read, as indexes in the manifest, in its order until they are put into queues
	size  int64    // of them all

	mu sync.RWMutex // held to change entries of the manifest, as others make jobs of them meanwhile
}

// change changes an entry of the manifest while files are being read.
func (p *plan) change(i int, f format.File) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.m.Files.Set(i, f)
}

// job is one file to be read.
type job struct {
	file     int // index in the manifest
	name     string
	size     int64 // as planned
	modified int64 // Unix seconds
	pages    bool  // pages are checked

	bundle       int64 // number of the bundle it goes into, from 1; 0: none
	blockSize    int64 // 0: stored whole
	checksumSize int

	// What the prior backup has of the file, if it is of use: its content may still be that, or blocks of it.
	prior *format.File

	// What the content may turn out to be, and by what it is known then.
	reference bool // that of the prior backup
	resumed   bool // what an interrupted run has stored
	sum       format.Sum
	repoSize  int64
	repoSum   format.Sum
}

// planJobs lists the files that must be read: those that are new, have another size or time than before, and with delta all others
// too. An empty file is never worth reading if it was empty before.
func planJobs(m, prior *format.Manifest, delta bool) *plan {
	p := &plan{m: m, prior: prior}
	var before format.Finder
	if prior != nil {
		before = prior.Files.Finder()
	}
	for i, f := range m.Files.All() {
		if m.Bundle && f.Size == 0 {
			continue
		}
		if f.Reference != "" {
			if f.Size == 0 {
				continue
			}
			if was, _ := before.Find(f.Name); !delta && f.Timestamp == was.Timestamp {
				continue
			}
		}
		p.files = append(p.files, uint32(i))
		p.size += f.Size
	}
	return p
}

// job returns what there is to do with a file, given by its index in the manifest. It must not have been done yet.
func (p *plan) job(i uint32) job {
	p.mu.RLock()
	f := p.m.Files.At(int(i))
	p.mu.RUnlock()
	j := job{file: int(i), name: f.Name, size: f.Size, modified: f.Timestamp, pages: p.pages && postgres.PageChecked(f.Name)}
	var was *format.File
	if p.prior != nil {
		was = p.prior.File(f.Name)
	}
	switch {
	case f.Reference != "":
		j.reference, j.sum, j.prior = true, f.Checksum, was
	case f.HasChecksum:
		j.resumed, j.sum, j.repoSize, j.repoSum = true, f.Checksum, f.RepoSize, f.RepoChecksum
		if !f.HasRepoChecksum {
			j.repoSum = f.Checksum
		}
	}
	j.cut(p.m, &f, was)
	return j
}

// bundled reports whether a file of some size goes into a bundle.
func (p *plan) bundled(size int64) bool { return size <= p.bundleLimit }

// onStandby reports whether a file may be read from a standby. That has its own settings, logs and control file; what both replay
// from the same WAL, the primary by making it, is as good on the one as on the other.
func onStandby(v postgres.Version, name string) bool {
	return name != controlFile && postgres.Replayed(v, name)
}

// cut decides whether the file is stored by blocks, and on top of which. A file shorter than a block is not.
func (j *job) cut(m *format.Manifest, f, p *format.File) {
	if !m.BlockIncr || f.Size < f.BlockSize {
		return
	}
	j.blockSize, j.checksumSize = f.BlockSize, f.BlockChecksumSize
	if p != nil && keepsCut(m, f, p) {
		j.prior = p
	}
}

// onBlocks reports whether only what changed in the blocks of the prior backup is stored.
func (j *job) onBlocks() bool { return j.blockSize > 0 && j.prior != nil && j.prior.BlockMapSize > 0 }

// checkJobs makes sure that a plan makes sense: there is always something to copy, and an online backup has changed pg_control.
func checkJobs(p *plan, online bool) error {
	if len(p.files) == 0 {
		return errs.New(errs.FileMissing, "no files have changed since the last backup - this seems unlikely")
	}
	if !online {
		return nil
	}
	if i, found := p.m.Files.Search(controlFile); found && slices.Contains(p.files, uint32(i)) {
		return nil
	}
	return errs.New(errs.FileMissing, "pg_control must be present in all online backups").
		Hint("is something wrong with the clock or filesystem timestamps?")
}
