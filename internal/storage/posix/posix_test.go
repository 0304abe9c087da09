package posix_test

import (
	"errors"
	"io"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"holdfast/internal/errs"
	"holdfast/internal/storage"
	"holdfast/internal/storage/posix"
	"holdfast/internal/storage/storagetest"
)

func TestSuite(t *testing.T) {
	storagetest.Run(t, func(testing.TB) storage.Storage { return posix.New(posix.Config{}) }, t.TempDir())
}

// TestMessages compares the exact texts people search the web for.
func TestMessages(t *testing.T) {
	ctx, p, dir := t.Context(), posix.New(posix.Config{}), t.TempDir()
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	none, sub := filepath.Join(dir, "none"), filepath.Join(dir, "sub")
	if err := os.Mkdir(sub, 0o700); err != nil {
		t.Fatal(err)
	}
	list := func(path string) error { return p.List(ctx, path, func(storage.Info) error { return nil }) }
	open := func(path string) error { _, err := p.Open(ctx, path, storage.Range{}); return err }
	stat := func(path string) error { _, err := p.Stat(ctx, path); return err }
	create := func(path string) error { _, err := p.Create(ctx, path, storage.CreateOptions{}); return err }
	read := func(path string) error { _, err := storage.ReadAll(ctx, p, path, 0); return err }
	tests := []struct {
		err  error
		code errs.Code
		want string
	}{
		{open(none), errs.FileMissing, "unable to open missing file 'DIR/none' for read"},
		{open(file + "/x"), errs.FileOpen, "unable to open file 'DIR/file/x' for read: [20] Not a directory"},
		{read(dir), errs.FileRead, "unable to read 'DIR': [21] Is a directory"},
		{create(dir), errs.FileOpen, "unable to open file 'DIR' for write: [21] Is a directory"},
		{create(file + "/x"), errs.FileOpen, "unable to open file 'DIR/file/x' for write: [20] Not a directory"},
		{stat(none), errs.FileOpen, "unable to get info for missing path/file 'DIR/none'"},
		{stat(file + "/x"), errs.FileOpen, "unable to get info for path/file 'DIR/file/x': [20] Not a directory"},
		{list(none), errs.PathMissing, "unable to list file info for missing path 'DIR/none'"},
		{list(file), errs.PathOpen, "unable to list file info for path 'DIR/file': [20] Not a directory"},
		{p.MakeDir(ctx, none+"/x", 0, false), errs.PathCreate, "unable to create path 'DIR/none/x': [2] No such file or directory"},
		{p.MakeDir(ctx, dir, 0, false), errs.PathCreate, "unable to create path 'DIR': [17] File exists"},
		{p.Remove(ctx, dir), errs.FileRemove, "unable to remove 'DIR': [21] Is a directory"},
		{p.RemoveDir(ctx, dir), errs.PathRemove, "unable to remove path 'DIR': [39] Directory not empty"},
		{p.RemoveAll(ctx, file), errs.PathOpen, "unable to list file info for path 'DIR/file': [20] Not a directory"},
		{p.Rename(ctx, file, sub), errs.FileMove, "unable to move 'DIR/file' to 'DIR/sub': [21] Is a directory"},
		{p.SyncDir(ctx, none), errs.PathMissing, "unable to sync missing path 'DIR/none'"},
		{p.SyncDir(ctx, file), errs.PathOpen, "unable to open path 'DIR/file' for sync: [20] Not a directory"},
	}
	for _, test := range tests {
		got := strings.ReplaceAll(test.err.Error(), dir, "DIR")
		if errs.CodeOf(test.err) != test.code || got != test.want {
			t.Errorf("got  [%d] %s\nwant [%d] %s", errs.CodeOf(test.err), got, test.code, test.want)
		}
	}
}

// TestUmask: modes are exact under any umask, for new files, older files of that name, and directories on the way.
func TestUmask(t *testing.T) {
	old := syscall.Umask(0o077)
	defer syscall.Umask(old)
	ctx, p, dir := t.Context(), posix.New(posix.Config{}), t.TempDir()
	for _, name := range []string{"a/b/f", "a/b/f", "g"} {
		path := filepath.Join(dir, name)
		if err := storage.WriteAll(ctx, p, path, nil, storage.CreateOptions{Mode: 0o666, DirMode: 0o770, Atomic: true}); err != nil {
			t.Fatal(err)
		}
		if info, _ := p.Stat(ctx, path); info.Mode != 0o666 {
			t.Errorf("%s: %o", name, info.Mode)
		}
	}
	if info, _ := p.Stat(ctx, dir+"/a"); info.Mode != 0o770 {
		t.Errorf("directory: %o", info.Mode)
	}
}

// TestFullDisk: /dev/full stands for a file system without space. The error has its code and the device remains.
func TestFullDisk(t *testing.T) {
	p := posix.New(posix.Config{})
	w, err := p.Create(t.Context(), "/dev/full", storage.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer w.Abort()
	_, err = w.Write([]byte("x"))
	const want = "unable to write '/dev/full': [28] No space left on device"
	if !errs.Is(err, errs.FileWrite) || !errors.Is(err, syscall.ENOSPC) || err.Error() != want {
		t.Errorf("got [%d] %v", errs.CodeOf(err), err)
	}
	w.Abort()
	if _, err := os.Stat("/dev/full"); err != nil {
		t.Error(err)
	}
}

// TestTempName: others sharing the repository know this name, and a leftover of it is no obstacle.
func TestTempName(t *testing.T) {
	ctx, p, dir := t.Context(), posix.New(posix.Config{}), t.TempDir()
	temp := filepath.Join(dir, "f.pgbackrest.tmp")
	if err := os.WriteFile(temp, []byte("left by a crash, and longer"), 0o600); err != nil {
		t.Fatal(err)
	}
	w, err := p.Create(ctx, filepath.Join(dir, "f"), storage.CreateOptions{Atomic: true})
	if err != nil {
		t.Fatal(err)
	}
	defer w.Abort()
	io.WriteString(w, "new")
	if got, _ := os.ReadFile(temp); string(got) != "new" {
		t.Errorf("temporary file: %q", got)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(temp); !os.IsNotExist(err) {
		t.Errorf("temporary file remains: %v", err)
	}
	if got, _ := os.ReadFile(dir + "/f"); string(got) != "new" {
		t.Errorf("content %q", got)
	}
}

func TestOwners(t *testing.T) {
	ctx, p, file := t.Context(), posix.New(posix.Config{}), filepath.Join(t.TempDir(), "f")
	if err := storage.WriteAll(ctx, p, file, nil, storage.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	me, err := user.Current()
	if err != nil {
		t.Fatal(err)
	}
	info, err := p.Stat(ctx, file)
	if err != nil || info.User != me.Username || strconv.Itoa(info.UID) != me.Uid {
		t.Errorf("%+v, %v; want user %s", info, err, me.Username)
	}
	if os.Getuid() != 0 {
		return
	}
	const unnamed = 3_999_999
	if err := storage.WriteAll(ctx, p, file, nil, storage.CreateOptions{UID: unnamed, GID: unnamed, Mode: 0o4755}); err != nil {
		t.Fatal(err)
	}
	info, err = p.Stat(ctx, file)
	if err != nil || info.UID != unnamed || info.GID != unnamed || info.User != "" || info.Group != "" || info.Mode != 0o4755 {
		t.Errorf("%+v, %v", info, err)
	}
}

// TestSpecial: a fifo is listed as such and opening a directory of that name does not block.
func TestSpecial(t *testing.T) {
	ctx, p, dir := t.Context(), posix.New(posix.Config{}), t.TempDir()
	if err := syscall.Mkfifo(dir+"/fifo", 0o600); err != nil {
		t.Fatal(err)
	}
	if info, err := p.Stat(ctx, dir+"/fifo"); err != nil || info.Type != storage.Special {
		t.Errorf("%+v, %v", info, err)
	}
	if err := p.List(ctx, dir+"/fifo", nil); !errs.Is(err, errs.PathOpen) {
		t.Error(err)
	}
}
