package backup

import (
	"context"
	"errors"
	"io/fs"
	"time"

	"holdfast/internal/errs"
	"holdfast/internal/filter"
	"holdfast/internal/format"
	"holdfast/internal/log"
	"holdfast/internal/postgres"
	"holdfast/internal/repo"
	"holdfast/internal/source"
	"holdfast/internal/storage"
)

// outcome is what became of a job.
type outcome uint8

const (
	copied    outcome = iota // stored
	truncated                // found empty, for which a backup with bundles stores nothing
	matched                  // has the content of the prior backup, nothing stored
	rechecked                // what an interrupted run had stored is good
	removed                  // the file was gone
)

// result is what a worker found out about a file.
type result struct {
	file   int
	name   string
	size   int64  // as planned
	worker int    // from 1
	from   string // data directory it was read from, for messages

	outcome  outcome
	damaged  format.Sum // what was expected of what an interrupted run had stored, which was not good; zero if not the case
	copySize int64
	sum      format.Sum
	repoSize int64
	repoSum  *format.Sum // nil when what is stored is the content itself
	pages    pageResult

	bundle       int64 // number, 0 if stored as a file of its own
	bundleOffset int64
	blockSize    int64 // 0 if stored whole
	checksumSize int
	mapSize      int64
	prior        *format.File // whose content it has if it was matched
}

// pageResult is the outcome of the page checks of a file.
type pageResult struct {
	state      format.PageState
	errors     []format.PageRange
	misaligned bool
}

// worker copies files, one at a time. It is used by one goroutine.
type worker struct {
	number int
	run    *run
	from   *origin
	reader source.Reader
	spec   filter.Spec
	stored *source.Local // reads what an interrupted run has stored; nil until needed
	out    sink
	bundle bundleFile
}

func newWorker(r *run, number int) *worker {
	spec := filter.Spec{Compression: r.Compression, Level: r.CompressLevel, Pass: r.m.CipherPass}
	from := r.cluster.origin(r.cluster.Standby != nil && number > 1)
	return &worker{
		number: number, run: r, from: from, reader: from.reader(), spec: spec, out: newSink(r.BufferSize),
	}
}

// do copies a file or the files of a bundle, again from the beginning if that fails.
func (w *worker) do(ctx context.Context, todo task) ([]result, error) {
	var failures log.Retries
	begin := time.Now()
	for try := 0; ; try++ {
		results, err := w.try(ctx, todo)
		if err == nil {
			return results, nil
		}
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		failures.Add(err, time.Since(begin))
		if try >= w.run.JobRetry || errs.CodeOf(err).Fatal() {
			err = failures.Err()
			return nil, errs.Wrap(errs.CodeOf(err), err, "raised from local-%d protocol", w.number)
		}
		if try > 0 {
			if err := w.run.Sleep(ctx, w.run.JobRetryInterval); err != nil {
				return nil, err
			}
		}
	}
}

// try copies each file once.
func (w *worker) try(ctx context.Context, todo task) ([]result, error) {
	w.bundle.begin(ctx, w.run, todo.bundle)
	defer w.bundle.drop()
	results := make([]result, 0, len(todo.files))
	for _, i := range todo.files {
		j := w.run.todo.job(i)
		j.bundle = todo.bundle
		res, err := w.tryFile(ctx, j)
		if err != nil {
			return nil, err
		}
		results = append(results, res)
	}
	return results, w.bundle.commit()
}

// tryFile copies a file, unless it turns out that its content is in the repository already.
func (w *worker) tryFile(ctx context.Context, j job) (result, error) {
	res := result{file: j.file, name: j.name, size: j.size, worker: w.number, from: w.from.root()}
	if w.run.Delta && (j.reference || j.resumed) {
		same, err := w.unchanged(ctx, j)
		if w.gone(j, err) {
			res.outcome = removed
			return res, w.run.Repo.Storage().Remove(ctx, w.path(j))
		}
		if err != nil {
			return res, err
		}
		if same && j.reference {
			res.outcome, res.copySize, res.sum = matched, j.size, j.sum
			return res, nil
		}
		j.resumed = same
	}
	if j.resumed {
		good, err := w.storedWell(ctx, j)
		if err != nil {
			return res, err
		}
		if good {
			res.outcome, res.copySize, res.sum = rechecked, j.size, j.sum
			return res, nil
		}
		res.damaged = j.sum
	}
	err := w.store(ctx, j, &res)
	switch {
	case w.gone(j, err):
		res.outcome = removed
	case err != nil || res.outcome != truncated:
		return res, err
	}
	if j.resumed {
		return res, w.run.Repo.Storage().Remove(ctx, w.path(j))
	}
	return res, nil
}

// gone reports whether a file was removed since the scan, which may happen to all but one.
func (w *worker) gone(j job, err error) bool {
	return err != nil && errors.Is(err, fs.ErrNotExist) && errs.Is(err, errs.FileMissing) && j.name != controlFile
}

// path returns where the file of a job is stored.
func (w *worker) path(j job) string {
	ext := w.spec.Compression.Ext()
	if j.blockSize > 0 {
		ext = repo.BlockExt
	}
	return w.run.Repo.BackupPath(w.run.m.Label, j.name) + ext
}

// task says which file to read. What is replayed from the WAL need not be read further than it reached when the manifest was built.
func (w *worker) task(j job) source.Task {
	c := w.run.cluster
	if j.name == controlFile {
		return source.Task{Control: true, Data: c.Path, Force: c.Force}
	}
	t := source.Task{File: clusterPath(w.from.Path, j.name)}
	if postgres.Replayed(c.Control.Version, j.name) {
		t.Limit = &j.size
	}
	return t
}

// unchanged reports whether the cluster's file has the expected content.
func (w *worker) unchanged(ctx context.Context, j job) (bool, error) {
	found, err := w.reader.Sum(ctx, w.task(j))
	return found.Size == j.size && found.Sum == j.sum, err
}

// storedWell reports whether what an interrupted run has stored is what it recorded.
func (w *worker) storedWell(ctx context.Context, j job) (bool, error) {
	if w.stored == nil {
		w.stored = source.NewLocal(w.run.Repo.Storage())
	}
	found, err := w.stored.Sum(ctx, source.Task{File: w.path(j)})
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return found.Size == j.repoSize && found.Sum == j.repoSum, err
}

// store has the cluster's file read once, where it lies, and puts what is to be stored into the sink.
func (w *worker) store(ctx context.Context, j job, res *result) error {
	t := w.task(j)
	w.beginFile(ctx, j, res)
	defer w.out.abort()
	var err error
	if j.blockSize > 0 {
		t.Blocks, err = w.blocks(ctx, j)
		t.Spec = w.spec
	} else {
		t.Spec = w.wholeSpec(j)
	}
	if err != nil {
		return err
	}
	if j.pages {
		t.Pages = &source.Pages{
			Size: w.run.cluster.Control.PageSize, Segment: postgres.SegmentNumber(j.name), HeaderCheck: w.run.PageHeaderCheck,
		}
	}
	found, err := w.reader.Store(ctx, t, &w.out)
	if err != nil {
		return err
	}
	res.copySize, res.sum, res.pages = found.Size, found.Sum, pagesOf(found)
	if res.copySize == 0 && w.run.m.Bundle {
		res.outcome, res.bundle, res.bundleOffset = truncated, 0, 0
		return nil
	}
	if t.Blocks != nil && found.MapSize == 0 {
		return w.sameBlocks(ctx, j, res)
	}
	if t.Blocks == nil && j.reference && w.out.held() && res.copySize == j.size && res.sum == j.sum {
		res.outcome = matched
		return nil
	}
	res.outcome, res.mapSize = copied, found.MapSize
	res.repoSize, res.repoSum, err = w.out.commit()
	return err
}

// beginFile makes the sink ready for a file: in the bundle, or as a file of its own.
func (w *worker) beginFile(ctx context.Context, j job, res *result) {
	res.bundle, res.bundleOffset = j.bundle, 0
	res.blockSize, res.checksumSize = j.blockSize, j.checksumSize
	create := func() (storage.Writer, error) {
		return w.run.Repo.Storage().Create(ctx, w.path(j), storage.CreateOptions{})
	}
	if j.bundle > 0 {
		res.bundleOffset = w.bundle.size
		create = func() (storage.Writer, error) { return &w.bundle, nil }
	}
	w.out.begin(j.blockSize > 0 || w.spec.Compression != filter.None || w.spec.Pass != "", create)
}

// wholeSpec returns how a whole file is stored, which in bundles may be with less framing.
func (w *worker) wholeSpec(j job) filter.Spec {
	spec := w.spec
	spec.Raw = j.bundle > 0 && w.run.m.BundleRaw
	return spec
}

// sameBlocks deals with a file all of whose blocks have the checksums they had before. Those are short, so the checksum of the whole
// has the last word: if it differs the file is stored anew.
func (w *worker) sameBlocks(ctx context.Context, j job, res *result) error {
	if res.copySize != j.prior.Size || res.sum != j.prior.Checksum {
		j.prior, j.reference = nil, false
		return w.store(ctx, j, res)
	}
	res.outcome, res.prior = matched, j.prior
	return nil
}

// pagesOf is what was found out about the pages of a file.
func pagesOf(found source.Result) pageResult {
	switch {
	case !found.Checked:
		return pageResult{}
	case found.Valid:
		return pageResult{state: format.PageOK}
	}
	return pageResult{state: format.PageError, misaligned: !found.Aligned, errors: found.Errors}
}
