package storagetest_test

import (
	"errors"
	"slices"
	"testing"

	"holdfast/internal/errs"
	"holdfast/internal/storage"
	"holdfast/internal/storage/storagetest"
)

func TestMem(t *testing.T) {
	mem := storagetest.NewMem()
	storagetest.Run(t, func(testing.TB) storage.Storage { return mem }, "/")
}

func TestTraceIsTransparent(t *testing.T) {
	tree := storagetest.NewTrace(storagetest.NewMem())
	storagetest.Run(t, func(testing.TB) storage.Storage { return tree }, "/")
}

// TestCrash shows what survives, step by step.
func TestCrash(t *testing.T) {
	ctx, mem := t.Context(), storagetest.NewMem()
	put := func(name, data string, o storage.CreateOptions) {
		if err := storage.WriteAll(ctx, mem, name, []byte(data), o); err != nil {
			t.Fatal(err)
		}
	}
	put("/a/atomic", "1", storage.CreateOptions{Atomic: true})
	put("/a/inplace", "2", storage.CreateOptions{})
	put("/b/atomic", "3", storage.CreateOptions{Atomic: true})
	put("/b/unsynced", "4", storage.CreateOptions{Atomic: true, NoSync: true})
	put("/c/unsynced", "5", storage.CreateOptions{NoSync: true})
	after := mem.Crash()
	if got, want := after.Paths(), []string{"/a/", "/a/atomic", "/b/", "/b/atomic"}; !slices.Equal(got, want) {
		t.Errorf("survived: %q, want %q", got, want)
	}
	if err := errors.Join(mem.SyncDir(ctx, "/a"), mem.SyncDir(ctx, "/b")); err != nil {
		t.Fatal(err)
	}
	after = mem.Crash()
	for name, want := range map[string]string{"/a/inplace": "2", "/b/unsynced": "", "/b/atomic": "3"} {
		got, err := storage.ReadAll(ctx, after, name, 0)
		if err != nil || string(got) != want {
			t.Errorf("%s: %q, %v; want %q", name, got, err, want)
		}
	}
	// Replaced but not synced: the old file is still there.
	put("/b/atomic", "new", storage.CreateOptions{Atomic: true, NoSync: true})
	if err := mem.Remove(ctx, "/a/atomic"); err != nil {
		t.Fatal(err)
	}
	after = mem.Crash()
	for name, want := range map[string]string{"/b/atomic": "3", "/a/atomic": "1"} {
		if got, err := storage.ReadAll(ctx, after, name, 0); err != nil || string(got) != want {
			t.Errorf("%s: %q, %v; want %q", name, got, err, want)
		}
	}
}

// TestFaulty walks a small job through all its failures: the old content or the new, never anything else.
func TestFaulty(t *testing.T) {
	ctx := t.Context()
	var failed []string
	for n := 1; ; n++ {
		mem := storagetest.NewMem()
		if err := storage.WriteAll(ctx, mem, "/f", []byte("old"), storage.CreateOptions{Atomic: true}); err != nil {
			t.Fatal(err)
		}
		tree := storagetest.NewFaulty(mem, n)
		err := storage.WriteAll(ctx, tree, "/f", []byte("new"), storage.CreateOptions{Atomic: true})
		got, readErr := storage.ReadAll(ctx, mem, "/f", 0)
		if readErr != nil {
			t.Fatal(readErr)
		}
		if !tree.Fired() {
			if err != nil || string(got) != "new" {
				t.Errorf("without a fault: %q, %v", got, err)
			}
			break
		}
		failed = append(failed, tree.Failed().String())
		if !errs.Is(err, errs.FileWrite) || string(got) != "old" || !slices.Equal(mem.Paths(), []string{"/f"}) {
			t.Errorf("%s: %v, content %q, tree %q", tree.Failed(), err, got, mem.Paths())
		}
	}
	if want := []string{"create /f atomic", "write /f", "close /f"}; !slices.Equal(failed, want) {
		t.Errorf("faults: %q, want %q", failed, want)
	}
}

func TestFaultyStay(t *testing.T) {
	tree := storagetest.NewFaulty(storagetest.NewMem(), 2)
	tree.Stay, tree.Err = true, errors.New("gone")
	tree.Only = func(op storagetest.Op) bool { return op.Verb == "stat" }
	var got []bool
	for range 3 {
		_, err := storage.Exists(t.Context(), tree, "/")
		got = append(got, err == nil)
	}
	if !slices.Equal(got, []bool{true, false, false}) || tree.Failed().Verb != "stat" {
		t.Errorf("stat succeeded: %v", got)
	}
}

func TestTrace(t *testing.T) {
	ctx, tree := t.Context(), storagetest.NewTrace(storagetest.NewMem())
	err := errors.Join(
		storage.WriteAll(ctx, tree, "/d/f", []byte("x"), storage.CreateOptions{Atomic: true}),
		tree.Symlink(ctx, "d/f", "/l"),
		tree.Rename(ctx, "/d/f", "/g"),
		tree.SyncDir(ctx, "/"),
		tree.Remove(ctx, "/l"))
	const want = "create /d/f atomic\nwrite /d/f\nclose /d/f\nsymlink /l d/f\nrename /d/f /g\nsyncdir /\nremove /l\n"
	if got := tree.Text(); err != nil || got != want {
		t.Errorf("%v, trace:\n%s", err, got)
	}
}
