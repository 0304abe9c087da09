package backup

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"holdfast/internal/errs"
	"holdfast/internal/format"
	"holdfast/internal/log"
)

// keeper is the one owner of the manifest while files are copied: it notes results, logs them, publishes progress, and saves the
// manifest now and then.
type keeper struct {
	run     *run
	workers []*log.Logger

	total, done     int64 // in bytes as planned
	published       int64 // part of done that was published
	saved, saveStep int64 // the same for the manifest

	gone map[int]bool // files that were removed from the cluster, by index
}

func newKeeper(r *run) *keeper {
	k := &keeper{run: r, gone: make(map[int]bool), total: r.todo.size}
	k.saveStep = max(k.total/100, r.ManifestSaveThreshold)
	for n := range r.workers() {
		k.workers = append(k.workers, r.Log.Worker(n+1))
	}
	return k
}

// note takes in one result.
func (k *keeper) note(res *result) error {
	k.done += res.size
	k.logResult(res)
	f := k.run.m.Files.At(res.file)
	switch res.outcome {
	case removed:
		k.gone[res.file] = true // the entry goes when no result names entries by index any more
	case matched:
		if f.Reference == "" && res.prior != nil { // it has turned out to have the prior size again
			f.Size = res.copySize
			refer(&f, res.prior, k.run.prior.Label)
			k.run.todo.change(res.file, f)
		}
	case copied, truncated:
		record(&f, res)
		k.run.todo.change(res.file, f)
		k.logDamaged(res)
		return k.reportPages(res)
	case rechecked:
		return k.repeatPages(&f, res)
	}
	return nil
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

// finish drops the entries of files that were removed from the cluster.
func (k *keeper) finish() {
	if len(k.gone) > 0 {
		k.run.m.Files.DeleteFunc(func(i int, _ *format.File) bool { return k.gone[i] })
	}
}

// record makes a file's entry that of a file that was stored.
func record(f *format.File, res *result) {
	f.Reference = ""
	f.BundleID, f.BundleOffset = res.bundle, res.bundleOffset
	f.BlockSize, f.BlockChecksumSize, f.BlockMapSize = res.blockSize, res.checksumSize, res.mapSize
	f.Size, f.Checksum, f.HasChecksum = res.copySize, res.sum, true
	f.RepoSize, f.HasRepoChecksum = res.repoSize, res.repoSum != nil
	if res.repoSum != nil {
		f.RepoChecksum = *res.repoSum
	}
	f.PageChecksum, f.PageErrors = res.pages.state, res.pages.errors
}

// logResult tells what became of a file.
func (k *keeper) logResult(res *result) {
	at := clusterPath(res.from, res.name)
	logger := k.workers[res.worker-1]
	if !logger.Enabled(log.Detail) {
		return
	}
	if res.outcome == removed {
		logger.Detail("skip file removed by database %s", at)
		return
	}
	what := [...]string{
		copied: "backup file", truncated: "store truncated file", matched: "match file from prior backup",
		rechecked: "checksum resumed file",
	}[res.outcome]
	bundle := ""
	if res.outcome == copied && res.bundle > 0 {
		bundle = fmt.Sprintf("bundle %d/%d, ", res.bundle, res.bundleOffset)
	}
	size := log.Size(res.size)
	if res.copySize != res.size {
		size += "->" + log.Size(res.copySize)
	}
	checksum := ""
	if res.copySize != 0 {
		checksum = " checksum " + res.sum.String()
	}
	logger.Detail("%s %s (%s%s, %s)%s", what, at, bundle, size, log.Percent(k.done, k.total), checksum)
}

// logDamaged warns that what an interrupted run had stored could not be kept.
func (k *keeper) logDamaged(res *result) {
	if res.damaged != (format.Sum{}) {
		k.run.Log.Warn("resumed backup file %s did not have expected checksum %s. The file was recopied and backup will continue but this"+
			" may be an issue unless the resumed backup path in the repository is known to be corrupted.\n"+
			"NOTE: this does not indicate a problem with the PostgreSQL page checksums.", res.name, res.damaged)
	}
}

// reportPages warns about errors found in the pages of a file that was copied, or fails if they are not to be put up with.
func (k *keeper) reportPages(res *result) error {
	if res.pages.state != format.PageError {
		return nil
	}
	r := k.run
	at := clusterPath(res.from, res.name)
	text := pageWarning(at, res.pages.errors)
	if res.pages.misaligned {
		text = fmt.Sprintf("page misalignment in file %s: file size %d is not divisible by page size %d", at, res.copySize,
			r.cluster.Control.PageSize)
	}
	if r.PageErrors {
		return errs.New(errs.Checksum, "%s", text)
	}
	r.result.ChecksumWarnings++
	r.Log.Warn("%s", text)
	return nil
}

// repeatPages reports what an interrupted run found in the pages of a file that it has copied.
func (k *keeper) repeatPages(f *format.File, res *result) error {
	return k.reportPages(&result{
		name:     f.Name,
		from:     res.from,
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
