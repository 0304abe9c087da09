package source

import (
	"bytes"
	"context"
	"io"

	"holdfast/internal/block"
	"holdfast/internal/db"
	"holdfast/internal/filter"
	"holdfast/internal/format"
	"holdfast/internal/postgres"
	"holdfast/internal/storage"
)

// readSize is how much is read at once: a whole number of pages of any size, and little enough to stay in the processor's cache while
// it is hashed, checked and compressed.
const readSize = 256 << 10

// Local reads files of a tree that is near.
type Local struct {
	tree    storage.Storage
	in      []byte
	content *filter.Hash
}

// NewLocal makes a reader.
func NewLocal(tree storage.Storage) *Local {
	return &Local{tree: tree, in: make([]byte, readSize), content: filter.NewHash()}
}

// Store is Reader's. The file is read once: its content goes to the hash, the page check and through the filters.
func (l *Local) Store(ctx context.Context, t Task, dst io.Writer) (res Result, err error) {
	src, err := l.open(ctx, t)
	if err != nil {
		return res, err
	}
	defer src.Close()
	l.content.Reset()
	filtered, blocks, err := t.writer(dst)
	if err != nil {
		return res, err
	}
	pages := l.pageCheck(ctx, t)
	if pages != nil {
		err = l.copy(ctx, src, l.content, pages, filtered)
	} else {
		err = l.copy(ctx, src, l.content, filtered)
	}
	if closeErr := filtered.Close(); err == nil {
		err = closeErr
	}
	res.Size, res.Sum = l.content.Size(), l.content.Sum()
	if pages != nil {
		res.addPages(pages)
	}
	if blocks != nil {
		res.MapSize = blocks.MapSize()
	}
	return res, err
}

// Sum is Reader's.
func (l *Local) Sum(ctx context.Context, t Task) (res Result, err error) {
	src, err := l.open(ctx, t)
	if err != nil {
		return res, err
	}
	defer src.Close()
	l.content.Reset()
	err = l.copy(ctx, src, l.content)
	res.Size, res.Sum = l.content.Size(), l.content.Sum()
	return res, err
}

// writer returns what turns content into what is stored, and the same once more if that is by blocks.
func (t Task) writer(dst io.Writer) (io.WriteCloser, *block.Writer, error) {
	if t.Blocks == nil {
		w, err := filter.NewWriter(dst, t.Spec)
		return w, nil, err
	}
	b := t.Blocks
	w := block.NewWriter(dst, block.WriterConfig{
		BlockSize: b.Size, ChecksumSize: b.ChecksumSize, SuperSize: b.Super, Prior: b.Prior,
		Reference: b.Reference, Bundle: b.Bundle, Offset: b.Offset, Spec: t.Spec,
	})
	return w, w, nil
}

func (l *Local) open(ctx context.Context, t Task) (io.ReadCloser, error) {
	if t.Control {
		content, _, err := db.ReadControl(ctx, l.tree, t.Data, t.Force)
		return io.NopCloser(bytes.NewReader(content)), err
	}
	var part storage.Range
	if t.Limit != nil {
		part.Length = *t.Limit
	}
	src, err := l.tree.Open(ctx, t.File, part)
	if err == nil && t.Limit != nil && *t.Limit == 0 {
		return emptied{src}, nil // a range cannot be empty
	}
	return src, err
}

// emptied is a file of which nothing is read.
type emptied struct{ io.Closer }

func (emptied) Read([]byte) (int, error) { return 0, io.EOF }

// copy writes all of src to each of dst.
func (l *Local) copy(ctx context.Context, src io.Reader, dst ...io.Writer) error {
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		n, err := src.Read(l.in)
		for _, d := range dst {
			if n == 0 {
				break
			}
			if _, err := d.Write(l.in[:n]); err != nil {
				return err
			}
		}
		switch err {
		case nil:
		case io.EOF:
			return nil
		default:
			return err
		}
	}
}

// pageCheck starts the page check of a file, nil if its pages are not checked.
func (l *Local) pageCheck(ctx context.Context, t Task) *postgres.PageCheck {
	if t.Pages == nil {
		return nil
	}
	return postgres.NewPageCheck(postgres.PageCheckConfig{
		PageSize: t.Pages.Size, SegmentNo: t.Pages.Segment, HeaderCheck: t.Pages.HeaderCheck,
		Reread: func(page uint32, buf []byte) (int, error) {
			part := storage.Range{Offset: int64(page) * int64(t.Pages.Size), Length: int64(t.Pages.Size)}
			src, err := l.tree.Open(ctx, t.File, part)
			if err != nil {
				return 0, err
			}
			defer src.Close()
			n, err := io.ReadFull(src, buf)
			if err == io.EOF || err == io.ErrUnexpectedEOF {
				err = nil
			}
			return n, err
		},
	})
}

func (r *Result) addPages(check *postgres.PageCheck) {
	valid, pages, misaligned := check.Result()
	r.Checked, r.Valid, r.Aligned = true, valid, !misaligned
	if valid {
		return
	}
	for _, p := range pages {
		r.Errors = append(r.Errors, format.PageRange(p))
	}
}
