package backup

import (
	"context"
	"time"

	"holdfast/internal/block"
	"holdfast/internal/format"
	"holdfast/internal/source"
)

// Blocks says how files are stored by blocks.
type Blocks struct {
	Sizes     block.Sizes
	Super     int64 // size of what is compressed together
	SuperFull int64 // the same in a full backup
}

// cut decides which files are to be stored by blocks, and how large those are.
func (r *run) cut() {
	if r.Blocks == nil {
		return
	}
	for i, f := range r.m.Files.All() {
		age := time.Duration(r.started-f.Timestamp) * time.Second
		if f.BlockSize = r.Blocks.Sizes.Block(f.Size, age); f.BlockSize > 0 {
			f.BlockChecksumSize = r.Blocks.Sizes.ChecksumSize(f.BlockSize)
			r.m.Files.Set(i, f)
		}
	}
}

// keepsCut reports whether a file is stored as the changes to the blocks of the prior one. Then the blocks must have the same size.
func keepsCut(m *format.Manifest, f, p *format.File) bool {
	return m.BlockIncr && p.BlockMapSize > 0 && f.Size >= p.BlockSize
}

// blocks says how a file is stored by blocks.
func (w *worker) blocks(ctx context.Context, j job) (*source.Blocks, error) {
	r := w.run
	b := &source.Blocks{
		Size: j.blockSize, ChecksumSize: j.checksumSize,
		Reference: len(r.m.References) - 1, Bundle: j.bundle, Offset: w.bundle.size,
	}
	super := r.Blocks.Super
	if r.m.Type == format.Full {
		super = r.Blocks.SuperFull
	}
	b.Super = block.Super(super, j.blockSize)
	if j.prior != nil && j.prior.BlockMapSize > 0 {
		var err error
		if b.Prior, err = r.Repo.LoadMap(ctx, r.prior, j.prior); err != nil {
			return nil, err
		}
	}
	return b, nil
}
