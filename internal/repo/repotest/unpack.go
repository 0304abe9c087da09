package repotest

import (
	"archive/tar"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"
)

// Unpack restores a recorded repository from its archive, links included.
func Unpack(tb testing.TB, file, root string) {
	tb.Helper()
	f, err := os.Open(file)
	if err != nil {
		tb.Fatal(err)
	}
	defer f.Close()
	z, err := zstd.NewReader(f, zstd.WithDecoderMaxWindow(32<<20), zstd.WithDecoderConcurrency(1))
	if err != nil {
		tb.Fatal(err)
	}
	defer z.Close()
	for src := tar.NewReader(z); ; {
		h, err := src.Next()
		if err == io.EOF {
			return
		}
		if err == nil {
			err = unpackOne(src, h, root)
		}
		if err != nil {
			tb.Fatal(err)
		}
	}
}

func unpackOne(src io.Reader, h *tar.Header, root string) error {
	name := filepath.Join(root, h.Name)
	switch h.Typeflag {
	case tar.TypeDir:
		return os.MkdirAll(name, 0o750)
	case tar.TypeSymlink:
		return os.Symlink(h.Linkname, name)
	case tar.TypeLink:
		return os.Link(filepath.Join(root, h.Linkname), name)
	}
	data, err := io.ReadAll(src)
	if err != nil {
		return err
	}
	return os.WriteFile(name, data, 0o640)
}

// Clone makes a copy of a directory that shares its files: good enough for who removes files or replaces them as a whole.
func Clone(tb testing.TB, from, to string) {
	tb.Helper()
	err := filepath.WalkDir(from, func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		target := to + strings.TrimPrefix(name, from)
		switch {
		case d.IsDir():
			return os.MkdirAll(target, 0o750)
		case d.Type()&fs.ModeSymlink != 0:
			link, err := os.Readlink(name)
			if err != nil {
				return err
			}
			return os.Symlink(link, target)
		}
		return os.Link(name, target)
	})
	if err != nil {
		tb.Fatal(err)
	}
}
