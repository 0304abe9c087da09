package repo

import (
	"context"
	"fmt"
	"io"
	"strconv"
	"strings"

	"holdfast/internal/block"
	"holdfast/internal/errs"
	"holdfast/internal/filter"
	"holdfast/internal/format"
	"holdfast/internal/storage"
)

// LoadMap reads the block map of a block incremental file: where each of its blocks lies.
func (r *Repo) LoadMap(ctx context.Context, m *format.Manifest, f *format.File) (*block.Map, error) {
	if err := CheckBlocks(m); err != nil {
		return nil, err
	}
	file, part := r.FilePath(m, f)
	at := part.Offset + f.RepoSize - f.BlockMapSize
	in, err := r.cfg.Storage.Open(ctx, file, storage.Range{Offset: at, Length: f.BlockMapSize})
	if err != nil {
		return nil, err
	}
	defer in.Close()
	stored, err := io.ReadAll(io.LimitReader(in, f.BlockMapSize))
	if err != nil {
		return nil, err
	}
	if int64(len(stored)) != f.BlockMapSize {
		return nil, errs.New(errs.FileRead,
			"unable to read block map for '%s' from '%s' at offset %d size %d: expected %[4]d byte(s) but read %[5]d",
			f.Name, file, at, f.BlockMapSize, len(stored))
	}
	bm, err := block.ReadMap(stored, m.CipherPass, f.BlockSize, f.BlockChecksumSize)
	if err != nil {
		return nil, fmt.Errorf("block map of '%s': %w", f.Name, err)
	}
	return bm, nil
}

// CheckBlocks refuses a backup whose block incremental files cannot be read.
func CheckBlocks(m *format.Manifest) error {
	if !m.BlockIncr || !oldBlocks(m.Program) {
		return nil
	}
	return errs.New(errs.FeatureNotSupported,
		"block incremental backup '%s' was made by version %s, whose layout no later version can read", m.Label, m.Program)
}

// oldBlocks reports whether a backup may have the block layout that 2.45 tried out and 2.46 replaced.
func oldBlocks(program string) bool {
	major, rest, _ := strings.Cut(program, ".")
	minor, _, _ := strings.Cut(rest, ".")
	digits := strings.TrimRight(minor, "abcdefghijklmnopqrstuvwxyz")
	n, err := strconv.Atoi(digits)
	return major == "2" && err == nil && n < 46
}

// ReadBlocks fetches the blocks of a file that are not in have, the checksums of a file that is there, and hands each to put with its
// place in the file. What lies together is read together. The plain bytes are valid only until put returns.
func (r *Repo) ReadBlocks(ctx context.Context, m *format.Manifest, f *format.File, bm *block.Map, have []block.Sum,
	put func(at int64, plain []byte) error,
) error {
	compression, err := filter.ParseCompression(m.Options.CompressType)
	if err != nil {
		return err
	}
	read := &superReader{spec: filter.Spec{Compression: compression, Pass: m.CipherPass}, size: bm.BlockSize, put: put}
	for fetches := bm.Plan(have); len(fetches) > 0; {
		n, length := 1, fetches[0].Stored
		for n < len(fetches) && follows(fetches[n-1], fetches[n]) {
			length += fetches[n].Stored
			n++
		}
		file, err := r.SuperPath(m, f, fetches[0])
		if err != nil {
			return err
		}
		in, err := r.cfg.Storage.Open(ctx, file, storage.Range{Offset: fetches[0].Offset, Length: length})
		if err != nil {
			return err
		}
		err = read.supers(ctx, in, fetches[:n])
		in.Close()
		if err != nil {
			return fmt.Errorf("blocks of '%s' in '%s': %w", f.Name, file, err)
		}
		fetches = fetches[n:]
	}
	return nil
}

// follows reports whether b lies directly behind a.
func follows(a, b block.Fetch) bool {
	return a.Reference == b.Reference && a.Bundle == b.Bundle && a.Offset+a.Stored == b.Offset
}

// SuperPath returns the file that a super block lies in.
func (r *Repo) SuperPath(m *format.Manifest, f *format.File, s block.Fetch) (string, error) {
	if s.Reference >= len(m.References) {
		return "", errs.New(errs.Format, "block map of '%s' refers to backup %d of %d", f.Name, s.Reference+1, len(m.References))
	}
	label := m.References[s.Reference]
	if s.Bundle != 0 {
		return r.BackupPath(label, BundleDir, strconv.FormatInt(s.Bundle, 10)), nil
	}
	return r.BackupPath(label, f.Name+BlockExt), nil
}

// superReader takes super blocks apart.
type superReader struct {
	spec   filter.Spec
	size   int64
	buffer []byte
	put    func(at int64, plain []byte) error
}

func (s *superReader) supers(ctx context.Context, in io.Reader, fetches []block.Fetch) error {
	for _, f := range fetches {
		if err := ctx.Err(); err != nil {
			return err
		}
		if int64(len(s.buffer)) < f.Super {
			s.buffer = make([]byte, f.Super)
		}
		plain, err := block.ReadSuper(in, f, s.spec, s.buffer)
		if err != nil {
			return err
		}
		for _, p := range f.Parts {
			if err := s.put(p.Index*s.size, plain[p.At:p.At+p.Size]); err != nil {
				return err
			}
		}
	}
	return nil
}
