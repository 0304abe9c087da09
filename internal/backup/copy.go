package backup

import (
	"context"
	"errors"
	"io/fs"
	"path"
	"slices"
	"strconv"
	"strings"
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
	r.m.Files = slices.DeleteFunc(r.m.Files, func(f format.File) bool { return f.Name == "" })
	if err := r.linkReferences(ctx); err != nil {
		return err
	}
	if err := r.syncTree(ctx); err != nil {
		return err
	}
	if r.cluster.Ping != nil {
		return r.cluster.Ping(ctx, true)
	}
	return nil
}

// wholeTree reports whether the backup has all directories and links of the cluster, as opposed to those it stores files in.
func (r *run) wholeTree() bool { return r.m.Type == format.Full || r.m.Options.Hardlink }

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
		err := r.Repo.Storage().SyncDir(ctx, r.Repo.BackupPath(r.m.Label, p.Name))
		if errors.Is(err, fs.ErrNotExist) && !r.wholeTree() {
			continue
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// work runs the workers and takes their results. Only this goroutine touches the manifest.
func (r *run) work(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	k := newKeeper(r)
	r.Progress(k.total, 0)
	jobs := newQueues(r.jobs)
	results := make(chan result)
	workers, workCtx := errgroup.WithContext(ctx)
	for n := range min(r.ProcessMax, len(r.jobs)) {
		workers.Go(func() error { return newWorker(r, n+1).loop(workCtx, n, jobs, results) })
	}
	var workErr error
	go func() {
		workErr = workers.Wait()
		close(results)
	}()
	var keepErr error
	for res := range results {
		k.note(&res)
		if keepErr == nil {
			keepErr = k.publish(ctx)
		}
		if keepErr != nil {
			cancel() // what the workers have finished still counts: an interrupted backup can be resumed
		}
	}
	if workErr != nil && (keepErr == nil || errs.Is(keepErr, errs.Term)) {
		return workErr
	}
	return keepErr
}

// loop does jobs until there are none.
func (w *worker) loop(ctx context.Context, index int, jobs *queues, results chan<- result) error {
	for {
		j, more := jobs.next(index)
		if !more {
			return nil
		}
		res, err := w.do(ctx, j)
		if err != nil {
			return err
		}
		results <- res
	}
}

// keeper is the one owner of the manifest while files are copied: it notes results, logs them, publishes progress, and saves the
// manifest now and then.
type keeper struct {
	run     *run
	workers []*log.Logger

	total, done     int64 // in bytes as planned
	published       int64 // part of done that was published
	saved, saveStep int64 // the same for the manifest
}

func newKeeper(r *run) *keeper {
	k := &keeper{run: r}
	for _, j := range r.jobs {
		k.total += j.size
	}
	k.saveStep = max(k.total/100, r.ManifestSaveThreshold)
	for n := range r.ProcessMax {
		k.workers = append(k.workers, r.Log.Worker(n+1))
	}
	return k
}

// note takes in one result.
func (k *keeper) note(res *result) {
	k.done += res.size
	k.logResult(res)
	f := &k.run.m.Files[res.file]
	switch res.outcome {
	case removed:
		f.Name = "" // the entry goes when no worker knows indexes any more
	case copied:
		record(f, res)
		k.logDamaged(res)
		k.logPages(res)
	case rechecked:
		k.warnPages(f)
	}
}

// publish tells others how far the copy is.
func (k *keeper) publish(ctx context.Context) error {
	if (k.done-k.published)*1000 > k.total {
		k.published = k.done
		k.run.Progress(k.total, k.done)
	}
	if k.run.Resume && k.done-k.saved >= k.saveStep {
		k.saved = k.done
		if err := k.run.saveCopy(ctx); err != nil {
			return err
		}
	}
	if k.run.cluster.Ping != nil {
		return k.run.cluster.Ping(ctx, false)
	}
	return ctx.Err()
}

// record makes a file's entry that of a file that was stored.
func record(f *format.File, res *result) {
	f.Reference = ""
	f.BundleID, f.BundleOffset = 0, 0
	f.BlockSize, f.BlockChecksumSize, f.BlockMapSize = 0, 0, 0
	f.Size, f.Checksum, f.HasChecksum = res.copySize, res.sum, true
	f.RepoSize, f.HasRepoChecksum = res.repoSize, res.repoSum != nil
	if res.repoSum != nil {
		f.RepoChecksum = *res.repoSum
	}
	f.PageChecksum, f.PageErrors = res.pages.state, res.pages.errors
}

// logResult tells what became of a file.
func (k *keeper) logResult(res *result) {
	r := k.run
	at := clusterPath(r.cluster.Path, res.name)
	logger := k.workers[res.worker-1]
	if !logger.Enabled(log.Detail) {
		return
	}
	if res.outcome == removed {
		logger.Detail("skip file removed by database %s", at)
		return
	}
	what := [...]string{copied: "backup file", matched: "match file from prior backup", rechecked: "checksum resumed file"}[res.outcome]
	size := log.Size(res.size)
	if res.copySize != res.size {
		size += "->" + log.Size(res.copySize)
	}
	checksum := ""
	if res.copySize != 0 {
		checksum = " checksum " + res.sum.String()
	}
	logger.Detail("%s %s (%s, %s)%s", what, at, size, log.Percent(k.done, k.total), checksum)
}

// logDamaged warns that what an interrupted run had stored could not be kept.
func (k *keeper) logDamaged(res *result) {
	if res.damaged != (format.Sum{}) {
		k.run.Log.Warn("resumed backup file %s did not have expected checksum %s. The file was recopied and backup will continue but this"+
			" may be an issue unless the resumed backup path in the repository is known to be corrupted.\n"+
			"NOTE: this does not indicate a problem with the PostgreSQL page checksums.", res.name, res.damaged)
	}
}

// logPages warns about errors found in the pages of a file that was copied.
func (k *keeper) logPages(res *result) {
	if res.pages.state != format.PageError {
		return
	}
	r := k.run
	r.result.ChecksumWarnings++
	at := clusterPath(r.cluster.Path, res.name)
	if res.pages.misaligned {
		r.Log.Warn("page misalignment in file %s: file size %d is not divisible by page size %d", at, res.copySize,
			r.cluster.Control.PageSize)
		return
	}
	r.Log.Warn("%s", pageWarning(at, res.pages.errors))
}

// warnPages repeats the warning about a file that an interrupted run has copied.
func (k *keeper) warnPages(f *format.File) {
	if f.PageChecksum != format.PageError {
		return
	}
	k.logPages(&result{
		name:     f.Name,
		copySize: f.Size,
		pages:    pageResult{state: f.PageChecksum, errors: f.PageErrors, misaligned: len(f.PageErrors) == 0},
	})
}

// pageWarning lists pages with errors: "3-5, 9".
func pageWarning(at string, pages []format.PageRange) string {
	var list []string
	for _, p := range pages {
		text := strconv.FormatUint(uint64(p.First), 10)
		if p.Last != p.First {
			text += "-" + strconv.FormatUint(uint64(p.Last), 10)
		}
		list = append(list, text)
	}
	plural := "s"
	if len(pages) == 1 && pages[0].First == pages[0].Last {
		plural = ""
	}
	return "invalid page checksum" + plural + " found in file " + at + " at page" + plural + " " + strings.Join(list, ", ")
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
	r.m.Files = slices.DeleteFunc(r.m.Files, func(f format.File) bool { return f.Name == "" })
	_ = r.saveCopy(ctx)
}

// linkReferences makes the backup complete by itself with hard links to the files of earlier ones, or just tells about them.
func (r *run) linkReferences(ctx context.Context) error {
	hard := r.m.Options.Hardlink
	if !hard && !r.Log.Enabled(log.Detail) {
		return nil
	}
	for i := range r.m.Files {
		f := &r.m.Files[i]
		if f.Reference == "" {
			continue
		}
		if !hard || f.BundleID != 0 {
			r.Log.Detail("reference %s to %s", f.Name, f.Reference)
			continue
		}
		r.Log.Detail("hardlink %s to %s", f.Name, f.Reference)
		if err := r.hardlink(ctx, f); err != nil {
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
