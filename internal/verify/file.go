package verify

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"path"
	"strings"
	"time"

	"holdfast/internal/errs"
	"holdfast/internal/filter"
	"holdfast/internal/format"
	"holdfast/internal/log"
	"holdfast/internal/storage"
)

// bufferSize is how much of a file is in memory at a time.
const bufferSize = 256 << 10

// verdict is what became of a file.
type verdict uint8

const (
	good verdict = iota
	missing
	wrongSum
	wrongSize
	unreadable
)

// part is what to read of a stored file and what it must be.
type part struct {
	name   string // in the manifest
	lies   storage.Range
	decode bool        // compare the content, not the stored bytes
	spec   filter.Spec // to decode
	sum    format.Sum
	size   int64   // -1: not known
	absent bool    // need not be there
	before verdict // of what it is built on; the file cannot be better than that
}

// worker reads one stored file after the other.
type worker struct {
	*run
	n      int
	log    *log.Logger
	buffer []byte
	hash   *filter.Hash
}

func newWorker(v *run, n int) *worker {
	return &worker{run: v, n: n, log: v.Log.Worker(n), buffer: make([]byte, bufferSize), hash: filter.NewHash()}
}

// do reads the files of a job and reports each. The error is a cancellation.
func (w *worker) do(ctx context.Context, j *job) error {
	verdicts := make([]verdict, len(j.files))
	troubles := make([]error, len(j.files))
	n := 0
	if len(j.files) > 1 {
		n = w.neighbours(ctx, j, verdicts, troubles)
	}
	for ; n < len(j.files); n++ {
		verdicts[n], troubles[n] = w.try(ctx, j.path, &j.files[n])
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	for i := range j.files {
		w.report(j, &j.files[i], verdicts[i], troubles[i])
	}
	return nil
}

// neighbours reads files that lie one behind the other in one go. It returns how many it came to a verdict about; with the others it
// is worth trying again.
func (w *worker) neighbours(ctx context.Context, j *job, verdicts []verdict, troubles []error) int {
	first, last := j.files[0].lies, j.files[len(j.files)-1].lies
	in, err := w.Repo.Storage().Open(ctx, j.path, storage.Range{Offset: first.Offset, Length: last.Offset + last.Length - first.Offset})
	if err != nil {
		return 0
	}
	defer in.Close()
	for i := range j.files {
		p := &j.files[i]
		one := &io.LimitedReader{R: in, N: p.lies.Length}
		verdicts[i], troubles[i] = w.judge(one, p)
		if troubles[i] != nil && !permanent(troubles[i]) {
			return i
		}
		if _, err := io.CopyBuffer(io.Discard, struct{ io.Reader }{one}, w.buffer); err != nil {
			return i + 1
		}
	}
	return len(j.files)
}

// try reads a file, and again if that fails for a reason that may pass.
func (w *worker) try(ctx context.Context, file string, p *part) (verdict, error) {
	var failed log.Retries
	began := time.Now()
	for attempt := 0; ; attempt++ {
		v, err := w.open(ctx, file, p)
		if err == nil || ctx.Err() != nil {
			return v, nil
		}
		failed.Add(err, time.Since(began))
		if attempt >= w.Retries || permanent(err) {
			return unreadable, failed.Err()
		}
		if attempt > 0 {
			select {
			case <-time.After(w.RetryGap):
			case <-ctx.Done():
			}
		}
	}
}

// permanent reports whether trouble with a file will not go away: stored bytes that make no sense, or a refused permission.
func permanent(err error) bool {
	switch errs.CodeOf(err) {
	case errs.Format, errs.Crypto, errs.FeatureNotSupported:
		return true
	}
	return errors.Is(err, fs.ErrPermission)
}

func (w *worker) open(ctx context.Context, file string, p *part) (verdict, error) {
	in, err := w.Repo.Storage().Open(ctx, file, p.lies)
	switch {
	case err == nil:
	case !errs.Is(err, errs.FileMissing):
		return unreadable, err
	case p.absent:
		return good, nil
	default:
		return missing, nil
	}
	defer in.Close()
	return w.judge(in, p)
}

// judge compares stored bytes with what they must be.
func (w *worker) judge(in io.Reader, p *part) (verdict, error) {
	if p.decode {
		plain, err := filter.NewReader(in, p.spec)
		if err != nil {
			return unreadable, err
		}
		defer plain.Close()
		in = plain
	}
	w.hash.Reset()
	if _, err := io.CopyBuffer(w.hash, struct{ io.Reader }{in}, w.buffer); err != nil {
		return unreadable, err
	}
	switch {
	case format.Sum(w.hash.Sum()) != p.sum:
		return wrongSum, nil
	case p.size >= 0 && w.hash.Size() != p.size:
		return wrongSize, nil
	}
	return good, nil
}

// report logs a verdict and counts it.
func (w *worker) report(j *job, p *part, v verdict, trouble error) {
	name := w.shown(j)
	switch v {
	case missing:
		if j.archive != nil {
			w.log.Warn("file missing '%s'", name) // expire may have been faster
		} else {
			w.log.Info("file missing '%s'", name)
		}
	case wrongSum:
		w.log.Info("invalid checksum '%s'", name)
	case wrongSize:
		w.log.Info("invalid size '%s'", name)
	case unreadable:
		err := errs.Because(errs.CodeOf(trouble), trouble, "raised from local-%d protocol: %s", w.n, errs.Text(trouble))
		w.log.Info("invalid result %s: [%d] %s", name, int(err.Code), err)
	case good:
		v = p.before
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if j.archive != nil {
		j.archive.count(v)
		w.result.Failed = w.result.Failed || v != good && v != missing
		return
	}
	w.count(j.backup, v)
	if v != good && j.stored {
		w.markBroken(j.backup.Label, p.name, v)
	}
}

// shown is what messages call a stored file.
func (w *worker) shown(j *job) string {
	below := w.Repo.BackupPath()
	if j.archive != nil {
		below = w.Repo.ArchivePath()
	}
	return strings.TrimPrefix(path.Clean(j.path), below+"/")
}

// count adds a verdict about a file of a backup. The mutex is held.
func (v *run) count(b *Backup, found verdict) {
	b.count(found)
	if found != good {
		b.Status, v.result.Failed = Invalid, true
	}
}

func (v *run) markBroken(label, name string, found verdict) {
	if v.broken[label] == nil {
		v.broken[label] = map[string]verdict{}
	}
	v.broken[label][name] = found
}

// count adds a verdict. The total is the generator's.
func (t *Tally) count(v verdict) {
	switch v {
	case good:
		t.Valid++
	case missing:
		t.Missing++
	case wrongSum:
		t.Checksum++
	case wrongSize:
		t.Size++
	case unreadable:
		t.Other++
	}
}
