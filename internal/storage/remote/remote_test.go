package remote

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"net"
	"os"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"
	"testing"
	"time"

	"holdfast/internal/errs"
	"holdfast/internal/storage"
	"holdfast/internal/storage/posix"
	"holdfast/internal/storage/storagetest"
	"holdfast/internal/wire"
)

// connect returns the tree of this host, seen over a connection.
func connect(t testing.TB, p Policy, level int) *Tree {
	t.Helper()
	l, err := net.Listen("unix", filepath.Join(t.TempDir(), "s"))
	if err != nil {
		t.Fatal(err)
	}
	greeting := wire.Greeting{Name: "Holdfast", Service: "remote", Version: "1"}
	served := make(chan error, 1)
	go func() {
		conn, err := l.Accept()
		if err == nil {
			server := wire.Server{Greeting: greeting, Open: func(context.Context, []string) (*wire.Opened, error) {
				return &wire.Opened{Calls: Calls(posix.New(posix.Config{}), p)}, nil
			}}
			err = server.Serve(context.Background(), conn)
		}
		served <- err
	}()
	conn, err := net.Dial("unix", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	c, err := wire.Connect(context.Background(), conn, wire.Config{Greeting: greeting, Label: "far", Timeout: time.Minute}, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		c.Close()
		l.Close()
		if err := <-served; err != nil {
			t.Error(err)
		}
	})
	return New(c, level)
}

func TestSuite(t *testing.T) {
	dir := t.TempDir()
	for _, level := range []int{0, 1} {
		root := filepath.Join(dir, strconv.Itoa(level))
		if err := os.Mkdir(root, 0o755); err != nil {
			t.Fatal(err)
		}
		storagetest.Run(t, func(t testing.TB) storage.Storage { return connect(t, Policy{Roots: []string{dir}}, level) }, root)
	}
}

func TestPolicy(t *testing.T) {
	ctx, dir := t.Context(), t.TempDir()
	in, out := filepath.Join(dir, "in"), filepath.Join(dir, "out")
	tree := connect(t, Policy{Roots: []string{in}}, 0)
	if err := tree.MakeDir(ctx, in, 0, true); err != nil {
		t.Fatal(err)
	}
	if err := storage.WriteAll(ctx, tree, in+"/file", []byte("x"), storage.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	read := func(path string) error { _, err := storage.ReadAll(ctx, tree, path, 0); return err }
	stat := func(path string) error { _, err := tree.Stat(ctx, path); return err }
	for name, err := range map[string]error{
		"open":      read(out),
		"dots":      read(in + "/../out"),
		"unclean":   read(in + "//file"),
		"prefix":    read(in + "x"),
		"relative":  read("in/file"),
		"stat":      stat("/etc/passwd"),
		"list":      tree.List(ctx, dir, func(storage.Info) error { return nil }),
		"create":    storage.WriteAll(ctx, tree, out, nil, storage.CreateOptions{}),
		"rename":    tree.Rename(ctx, in+"/file", out),
		"steal":     tree.Rename(ctx, "/etc/hostname", in+"/hostname"),
		"link":      tree.Link(ctx, "/etc/hostname", in+"/hostname"),
		"symlink":   tree.Symlink(ctx, "/etc", in+"/etc"),
		"symlink..": tree.Symlink(ctx, "../out", in+"/etc"),
		"remove":    tree.RemoveAll(ctx, dir),
	} {
		if !errs.Is(err, errs.Access) || !strings.Contains(err.Error(), "access denied") {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := tree.Symlink(ctx, "../in/file", in+"/link"); err != nil {
		t.Error(err)
	}

	// Links that are harmless where they are made lead out of the root from somewhere else.
	for _, err := range []error{
		tree.MakeDir(ctx, in+"/a/b", 0, true),
		tree.Symlink(ctx, "../..", in+"/a/b/up"),
		tree.Symlink(ctx, "../../file", in+"/a/b/link"),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	for name, err := range map[string]error{
		"behind a link":  tree.Symlink(ctx, "../../../out", in+"/a/b/up/out"),
		"renamed link":   tree.Rename(ctx, in+"/a/b/link", in+"/up"),
		"moved link":     tree.Move(ctx, in+"/a/b/link", in+"/up"),
		"hard link":      tree.Link(ctx, in+"/a/b/link", in+"/up"),
		"renamed parent": tree.Rename(ctx, in+"/a/b", in+"/b"),
	} {
		if !errs.Is(err, errs.Access) {
			t.Errorf("%s: %v", name, err)
		}
	}

	tree = connect(t, Policy{Roots: []string{in}, ReadOnly: true}, 0)
	if err := read(in + "/file"); err != nil {
		t.Error(err)
	}
	for name, err := range map[string]error{
		"create": storage.WriteAll(ctx, tree, in+"/new", nil, storage.CreateOptions{}),
		"remove": tree.Remove(ctx, in+"/file"),
		"chmod":  tree.Chmod(ctx, in+"/file", 0o777),
	} {
		if !errs.Is(err, errs.Access) {
			t.Errorf("read only: %s: %v", name, err)
		}
	}
}

// TestNames sends what file systems have and text has not.
func TestNames(t *testing.T) {
	ctx, dir := t.Context(), t.TempDir()
	tree := connect(t, Policy{Roots: []string{dir}}, 0)
	name := "a\xff\n b"
	if err := storage.WriteAll(ctx, tree, dir+"/"+name, []byte("x"), storage.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	names, err := storage.Names(ctx, tree, dir, nil)
	if err != nil || !reflect.DeepEqual(names, []string{name}) {
		t.Errorf("%q, %v", names, err)
	}
	if _, err := tree.Stat(ctx, dir+"/"+name); err != nil {
		t.Error(err)
	}
}

// TestCutEntry reads a listing that ends in the middle.
func TestCutEntry(t *testing.T) {
	for _, text := range []string{"\x80", "\x03", "\x03ab"} {
		if _, err := readEntry(bufio.NewReader(strings.NewReader(text)), nil); err != io.ErrUnexpectedEOF {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func FuzzEntry(f *testing.F) {
	f.Add(appendInfo(nil, storage.Info{Name: "a", User: "u", Target: "t", Size: 1, ModTime: time.Unix(1, 2), Mode: 0o640, UID: -1}))
	f.Fuzz(func(t *testing.T, b []byte) {
		info, err := parseInfo(b)
		if err != nil {
			return
		}
		again, err := parseInfo(appendInfo(nil, info))
		if err != nil || !again.ModTime.Equal(info.ModTime) {
			t.Fatal(err)
		}
		again.ModTime = info.ModTime
		if again != info {
			t.Errorf("%v, want %v", again, info)
		}
	})
}

type file []byte

func (f file) WriteAt(b []byte, at int64) (int, error) {
	if at < int64(len(f)) {
		copy(f[at:], b)
	}
	return len(b), nil
}

func FuzzParts(f *testing.F) {
	f.Add([]byte{3, 2, 'a', 'b'})
	f.Fuzz(func(_ *testing.T, b []byte) {
		_, _ = applyParts(bytes.NewReader(b), make(file, 100))
		r := bufio.NewReader(bytes.NewReader(b))
		for err := error(nil); err == nil; {
			_, err = readEntry(r, nil)
		}
	})
}

var _ io.WriterAt = file(nil)
