package restore

import (
	"context"
	"fmt"
	"time"

	"holdfast/internal/block"
	"holdfast/internal/errs"
	"holdfast/internal/format"
)

// restoreBlocks puts a file together from its blocks, of which those in have are there already. Blocks come in the order in which
// they are stored, not in that of the file, so the checksum of the whole is known only when all is written and read again.
func (w *worker) restoreBlocks(ctx context.Context, f *format.File, have []block.Sum) (outcome, error) {
	at := w.fileOf(f.Name)
	how := outcome{copied: true, blocks: true, patched: have != nil}
	bm, err := w.repo.LoadMap(ctx, w.manifest, f)
	if err != nil {
		return how, err
	}
	if bm.Size() != f.Size {
		return how, errs.New(errs.Format, "block map of '%s' describes %d byte(s) but the file has %d", f.Name, bm.Size(), f.Size)
	}
	if how.fetched, err = w.writeBlocks(ctx, f, bm, have); err != nil {
		return how, fmt.Errorf("restore '%s': %w", at, err)
	}
	whole := *f
	whole.BlockMapSize = 0 // the checksums of the blocks are not needed
	sum, _, err := w.sum(ctx, at, &whole)
	if err != nil {
		return how, err
	}
	if sum != f.Checksum && have != nil {
		return w.restoreBlocks(ctx, f, nil) // different blocks may have equal checksums, as short as those are
	}
	if sum != f.Checksum {
		return how, wrongSum(at, sum, f)
	}
	// Only now, as the time of modification tells a later restore that the content is right.
	return how, w.Tree.Chtimes(ctx, at, time.Unix(f.Timestamp, 0))
}

// writeBlocks fetches and writes the blocks that are not in have and returns how many bytes that were.
func (w *worker) writeBlocks(ctx context.Context, f *format.File, bm *block.Map, have []block.Sum) (written int64, err error) {
	options := w.createOptions(f)
	options.ModTime = time.Time{}
	out, err := w.Tree.Patch(ctx, w.fileOf(f.Name), f.Size, options)
	if err != nil {
		return 0, err
	}
	defer out.Abort()
	err = w.repo.ReadBlocks(ctx, w.manifest, f, bm, have, func(at int64, plain []byte) error {
		n, err := out.WriteAt(plain, at)
		written += int64(n)
		return err
	})
	if err != nil {
		return written, err
	}
	return written, out.Close()
}
