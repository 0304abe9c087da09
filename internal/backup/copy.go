package backup

import (
	"context"
	"errors"
	"io/fs"
	"path"
	"time"

	"golang.org/x/sync/errgroup"

	"holdfast/internal/errs"
	"holdfast/internal/format"
	"holdfast/internal/log"
	"holdfast/internal/repo"
)

// saveTimeout limits how long to try to leave a record of what was copied when the backup is given up.
const saveTimeout = 30 * time.Second

// copyFiles does the jobs. Afterwards all files of the manifest are in the repository, durably.
func (r *run) copyFiles(ctx context.Context) error {
	if err := r.makeTree(ctx); err != nil {
		return err
	}
	if err := r.work(ctx); err != nil {
		r.saveInterrupted(ctx)
		return err
	}
	if err := r.linkReferences(ctx); err != nil {
		return err
	}
	if err := r.syncTree(ctx); err != nil {
		return err
	}
	if r.cluster.Ping != nil {
		if err := r.cluster.Ping(ctx, true); err != nil {
			return err
		}
	}
	r.closeStandby(ctx)
	return nil
}

// wholeTree reports whether the backup has all directories and links of the cluster, as opposed to those it stores files in.
func (r *run) wholeTree() bool { return r.m.Type == format.Full && !r.m.Bundle || r.m.Options.Hardlink }

// makeTree creates directories and links.
func (r *run) makeTree(ctx context.Context) error {
	if !r.wholeTree() {
		return nil
	}
	tree := r.Repo.Storage()
	for _, p := range r.m.Paths {
		if err := tree.MakeDir(ctx, r.Repo.BackupPath(r.m.Label, p.Name), 0, true); err != nil {
			return err
		}
	}
	if !r.Repo.Symlink() {
		return nil
	}
	for _, t := range r.m.Targets {
		if t.TablespaceID == "" {
			continue
		}
		link := r.Repo.BackupPath(r.m.Label, dataName, tablespaceName, t.TablespaceID)
		if err := tree.Symlink(ctx, path.Join("../..", tablespaceName, t.TablespaceID), link); err != nil {
			return err
		}
	}
	return nil
}

// syncTree makes the directories durable; what is in the files already is.
func (r *run) syncTree(ctx context.Context) error {
	for _, p := range r.m.Paths {
		if err := r.syncDir(ctx, p.Name, r.wholeTree()); err != nil {
			return err
		}
	}
	if r.m.Bundle {
		return r.syncDir(ctx, repo.BundleDir, false)
	}
	return nil
}

func (r *run) syncDir(ctx context.Context, name string, must bool) error {
	err := r.Repo.Storage().SyncDir(ctx, r.Repo.BackupPath(r.m.Label, name))
	if errors.Is(err, fs.ErrNotExist) && !must {
		return nil
	}
	return err
}

// work runs the workers and takes their results. Only this goroutine touches the manifest.
func (r *run) work(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	k := newKeeper(r)
	r.Progress(k.total, 0)
	jobs := newQueues(r.todo, r.BundleSize, r.cluster.Standby != nil)
	results := make(chan result, r.workers())
	workers, workCtx := errgroup.WithContext(ctx)
	for n := range min(r.workers(), len(r.todo.files)) {
		workers.Go(func() error { return newWorker(r, n+1).loop(workCtx, n, jobs, results) })
	}
	var workErr error
	go func() {
		workErr = workers.Wait()
		close(results)
	}()
	var keepErr error
	for res := range results {
		err := k.note(&res)
		if keepErr == nil {
			keepErr = err
		}
		if keepErr == nil {
			keepErr = k.publish(ctx)
		}
		if keepErr != nil {
			cancel() // what the workers have finished still counts: an interrupted backup can be resumed
		}
	}
	k.finish()
	if workErr != nil && (keepErr == nil || errs.Is(keepErr, errs.Term)) {
		return workErr
	}
	return keepErr
}

// workers is how many there are: with a standby one more, for what must be read from the primary.
func (r *run) workers() int {
	if r.cluster.Standby != nil {
		return r.ProcessMax + 1
	}
	return r.ProcessMax
}

// loop does jobs until there are none.
func (w *worker) loop(ctx context.Context, index int, jobs *queues, results chan<- result) error {
	for {
		todo := jobs.next(index)
		if len(todo.files) == 0 {
			return nil
		}
		done, err := w.do(ctx, todo)
		if err != nil {
			return err
		}
		for _, res := range done {
			results <- res
		}
	}
}

// saveCopy saves the manifest as the record of a backup in progress.
func (r *run) saveCopy(ctx context.Context) error {
	return r.Repo.SaveManifestCopy(ctx, r.m, r.info.CipherPass)
}

// saveInterrupted leaves a record of what was copied for a later run to go on with. The error that ended the copy is what counts, so
// failure here is not reported.
func (r *run) saveInterrupted(ctx context.Context) {
	if !r.Resume || r.m.Type != format.Full {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), saveTimeout)
	defer cancel()
	_ = r.saveCopy(ctx)
}

// linkReferences makes the backup complete by itself with hard links to the files of earlier ones, or just tells about them.
func (r *run) linkReferences(ctx context.Context) error {
	hard := r.m.Options.Hardlink
	if !hard && !r.Log.Enabled(log.Detail) {
		return nil
	}
	for _, f := range r.m.Files.All() {
		if f.Reference == "" {
			continue
		}
		if !hard || f.BundleID != 0 {
			r.Log.Detail("reference %s to %s", f.Name, f.Reference)
			continue
		}
		r.Log.Detail("hardlink %s to %s", f.Name, f.Reference)
		if err := r.hardlink(ctx, &f); err != nil {
			return err
		}
	}
	return nil
}

func (r *run) hardlink(ctx context.Context, f *format.File) error {
	from, _ := r.Repo.FilePath(r.m, f)
	ext := r.Compression.Ext()
	if f.BlockMapSize > 0 {
		ext = repo.BlockExt
	}
	err := r.Repo.Storage().Link(ctx, from, r.Repo.BackupPath(r.m.Label, f.Name+ext))
	if f.Size == 0 && errors.Is(err, fs.ErrNotExist) {
		return nil // a bundled backup stores nothing for an empty file
	}
	return err
}
