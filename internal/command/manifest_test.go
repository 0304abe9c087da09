package command

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"holdfast/internal/repo"
	"holdfast/internal/storage/posix"
)

// TestManifest shows every backup of recorded repositories, and single files of all kinds.
func TestManifest(t *testing.T) {
	repos := unpackSamples(t, "chain", "bundle-block-aes-lz4", "plain-none")
	if repos == nil {
		return
	}
	peer := findPeer(t)
	for name, r := range repos {
		t.Run(name, func(t *testing.T) {
			r := r.clone(t)
			for _, set := range []string{r.labels[0], r.labels[1], "latest"} {
				runs := [][]string{nil, {"--output=json"}, {"--reference=latest"}, {"--reference={B0}"}, {"--reference=bogus"}}
				for _, file := range []string{"postgresql.conf", "base/16771/16772"} {
					runs = append(runs, []string{"--filter=pg_data/" + file}, []string{"--filter=pg_data/" + file, "--output=json"})
				}
				for _, args := range runs {
					args = slices.Concat([]string{"--stanza=demo", "--set=" + set, "manifest"}, args)
					out, status := r.run(args...)
					if status != 0 || out == "" {
						t.Errorf("%q: exit %d\n%.300s", args, status, out)
					}
					if set != r.labels[0] || !slices.Contains(args, "--reference={B0}") { // its own label means nothing to the peer
						r.agree(peer, out, status, args...)
					}
				}
			}
			for _, args := range []string{"--set=20200101-000000F", "--set=bogus", "--stanza=nope"} {
				args := strings.Fields("--stanza=demo manifest " + args)
				if strings.Contains(args[2], "stanza") {
					args = args[1:]
				}
				out, status := r.run(args...)
				if status != 55 {
					t.Errorf("%q: exit %d\n%.300s", args, status, out)
				}
				r.agree(peer, out, status, args...)
			}
			out, status := r.run("--stanza=demo", "--filter=nope", "manifest")
			if want := "P00 ASSERT: [025]: unable to find 'nope' in manifest file list\n"; status != 25 || !strings.HasPrefix(out, want) {
				t.Errorf("exit %d\n%.300s", status, out)
			}
		})
	}
}

// TestManifestAgainstCluster compares a file of a cluster with its blocks in the repository.
func TestManifestAgainstCluster(t *testing.T) {
	repos := unpackSamples(t, "bundle-block-zst")
	if repos == nil {
		return
	}
	peer := findPeer(t)
	r := repos["bundle-block-zst"].clone(t)
	pg := t.TempDir()
	args := []string{"--stanza=demo", "--pg1-path=" + pg, "--pg=1", "--filter=pg_data/base/16771/16772", "manifest"}
	out, status := r.run(args...)
	if status != 55 {
		t.Errorf("exit %d without a cluster\n%s", status, out)
	}
	r.agree(peer, out, status, args...)
	file := filepath.Join(pg, "base/16771/16772")
	r.restoreBlocks("pg_data/base/16771/16772", file)
	for _, change := range []func([]byte) []byte{
		func(b []byte) []byte { return b },
		func(b []byte) []byte { b[100]++; b[2_000_000]++; return b },
		func(b []byte) []byte { return b[:len(b)-10000] },
		func([]byte) []byte { return nil },
	} {
		content, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, change(content), 0o600); err != nil {
			t.Fatal(err)
		}
		for _, more := range []string{"--output=text", "--output=json"} {
			out, status := r.run(append(args, more)...)
			if status != 0 {
				t.Errorf("exit %d\n%s", status, out)
			}
			if info, err := os.Stat(file); err == nil && info.Size() > 0 { // the peer stumbles over an empty file
				r.agree(peer, out, status, append(args, more)...)
			}
		}
	}
}

// restoreBlocks writes a block incremental file of the newest backup.
func (r *sample) restoreBlocks(name, to string) {
	r.t.Helper()
	world := repo.New(repo.Config{Key: 1, Path: r.root, Storage: posix.New(posix.Config{}), Stanza: "demo"})
	m, err := world.LoadManifest(r.t.Context(), r.labels[len(r.labels)-1], "")
	if err != nil {
		r.t.Fatal(err)
	}
	f := m.File(name)
	bm, err := world.LoadMap(r.t.Context(), m, f)
	if err != nil {
		r.t.Fatal(err)
	}
	content := make([]byte, f.Size)
	err = world.ReadBlocks(r.t.Context(), m, f, bm, nil, func(at int64, plain []byte) error {
		copy(content[at:], plain)
		return nil
	})
	if err == nil {
		err = os.MkdirAll(filepath.Dir(to), 0o700)
	}
	if err == nil {
		err = os.WriteFile(to, content, 0o600)
	}
	if err != nil {
		r.t.Fatal(err)
	}
}
