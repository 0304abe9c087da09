package e2e

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
)

// Verify reads only, so both programs are let loose on the same repository, with one worker each: more
// of them would tell what they find in an order of their own.
func TestVerifyScenarios(t *testing.T) {
	t.Parallel()
	h := newHost(t, lab.ours)
	h.set("global", "compress-type", "zst")
	h.set("global", "process-max", "1")
	h.base()
	c := h.cluster
	var labels []string
	for i, kind := range []string{"full", "diff", "incr"} {
		labels = append(labels, h.backup(kind))
		c.change(i)
		c.archived()
	}
	full, diff, incr := labels[0], labels[1], labels[2]
	quiet := func() { h.both(0, texts("!status:"), "verify", "--output=text") }
	everything := texts("--verbose", "--output=text", "--log-level-console=detail")
	verify := func(wanted []string, args ...string) {
		h.both(0, wanted, append(texts("verify"), args...)...)
		h.both(0, wanted, append(texts("verify"), append(args, everything...)...)...)
	}
	h.copyTree("repo", "kept")
	spoiled := func(id string, spoil func(), wanted []string, args ...string) {
		h.scenario(t, id, func() {
			spoil()
			verify(wanted, args...)
			h.copyTree("kept", "repo")
		})
	}

	h.scenario(t, "SN-606", func() {
		quiet()
		verify(nil)
		for _, label := range labels {
			h.both(0, texts("status: ok", "!"+h.other(labels, label)+","), append(texts("verify", "--set="+label), everything...)...)
		}
	})
	spoiled("SN-601", func() { h.flip(h.path("repo/backup/s", full, "pg_data/PG_VERSION.zst")) }, texts(
		"P01   INFO: invalid checksum '"+full+"/pg_data/PG_VERSION.zst'", "status: error",
		"backup: "+diff+", status: invalid", "backup: "+incr+", status: invalid"))
	spoiled("SN-602", func() { h.remove(h.path("repo/backup/s", diff, "pg_data/global/pg_control.zst")) }, texts(
		"P01   INFO: file missing '"+diff+"/pg_data/global/pg_control.zst'", "status: error", "backup: "+diff+", status: invalid"))
	segments := h.archivedFiles("repo")
	spoiled("SN-603", func() {
		h.write(regexp.MustCompile(`-[0-9a-f]{40}`).ReplaceAllString(segments[1], "-"+strings.Repeat("0", 40)), h.read(segments[1]))
	}, texts("duplicate WAL '"+filepath.Base(segments[1])[:24]+"' for '15-1' exists, skipping", "status: error"))
	h.scenario(t, "SN-604", func() {
		h.remove(segments[2])
		quiet()
		r := h.ok(append(texts("verify"), everything...)...)
		h.want(r, 0, "status: ok", "wal stop: "+filepath.Base(segments[1])[:24], "wal start: "+filepath.Base(segments[3])[:24])
		h.same(h.okAs(lab.peer, append(texts("verify"), everything...)...), r)
		h.copyTree("kept", "repo")
	})
	spoiled("damaged wal", func() { h.write(segments[0], "no frame") }, nil, "--set="+full)
	spoiled("manifest", func() { h.remove(h.path("repo/backup/s", full, "backup.manifest")) }, nil)
	spoiled("manifest and copy", func() {
		h.remove(h.path("repo/backup/s", full, "backup.manifest"))
		h.remove(h.path("repo/backup/s", full, "backup.manifest.copy"))
	}, nil)
	spoiled("no rights on a backup", func() { h.deny(h.path("repo/backup/s", diff), 0) }, nil, "--job-retry=0", "--set="+full)
	h.scenario(t, "no rights on the archive", func() {
		restore := h.deny(h.path("repo/archive/s/15-1"), 0)
		h.both(53, texts("unable to list file info for path '"+h.path("repo/archive/s/15-1")+"': [13] Permission denied"), "verify")
		restore()
	})
	h.scenario(t, "options", func() {
		h.both(0, texts("'bogus' is not a valid backup label format"), "verify", "--set=bogus")
		h.both(0, texts("backup set 20200101-000000F is not valid"), "verify", "--set=20200101-000000F")
		h.both(32, nil, "verify", "--output=json")
		h.both(96, nil, "verify", "something")
		h.stanza = "nope"
		h.both(0, texts("No usable backup.info file", "No usable archive.info file"), "verify", "--output=text")
		h.stanza = ""
		h.both(37, nil, "verify")
		h.stanza = "s"
	})
	h.scenario(t, "with other commands", func() {
		h.write(h.path("lock/s.stop"), "")
		quiet()
		h.remove(h.path("lock/s.stop"))
		release := h.hold("s-backup-1.lock", `{"execId":"1-01234567"}`+"\n")
		defer release()
		quiet()
	})
	h.scenario(t, "SN-605", func() {
		c.sql("create table filler as select md5(i::text) from generate_series(1, 300000) i")
		b := h.start("backup", "--type=full", "--compress-type=bz2")
		h.until("a backup that copies", func() bool {
			newest := h.lastLabel("repo")
			return newest != incr && h.exists(h.path("repo/backup/s", newest, "pg_data/base"))
		})
		if err := syscall.Kill(-b.cmd.Process.Pid, syscall.SIGKILL); err != nil {
			t.Error(err)
		}
		b.wait()
		killed := h.lastLabel("repo")
		wanted := texts("P00   WARN: backup '"+killed+"' found in the repository but not in backup.info",
			"P00   INFO: backup '"+killed+"' appears to be in progress, skipping", "!status: error")
		verify(wanted)
		verify(wanted, "--set="+killed)
	})
}

// other is a label that is not the given one.
func (h *host) other(labels []string, label string) string {
	return labels[(slices.Index(labels, label)+1)%len(labels)]
}

// archivedFiles are the whole segments in an archive, in order.
func (h *host) archivedFiles(repo string) []string {
	h.t.Helper()
	found, err := filepath.Glob(h.path(repo, "archive/s/15-1/*/*-*"))
	if err != nil || len(found) == 0 {
		h.t.Fatalf("%d segments (%v)", len(found), err)
	}
	return found
}

// Every way to store files is verified by both programs, whole and with a damaged bundle or file.
func TestVerifyVariants(t *testing.T) {
	t.Parallel()
	h := newHost(t, lab.peer) // which can write all of them
	h.set("global", "process-max", "1")
	h.base()
	c := h.cluster
	for i, variant := range []string{
		"compress-type=none", "compress-type=gz", "compress-type=bz2", "compress-type=lz4", "compress-type=zst bundle=y",
		"compress-type=lz4 bundle=y block=y", "compress-type=gz cipher=y", "compress-type=zst cipher=y bundle=y block=y",
	} {
		name := h.path("repo")
		if err := os.RemoveAll(name); err != nil {
			t.Fatal(err)
		}
		h.mkdir("repo", 0o750)
		for _, key := range []string{"repo1-bundle", "repo1-block", "repo1-cipher-type", "repo1-cipher-pass"} {
			h.unset("global", key)
		}
		for _, word := range strings.Fields(variant) {
			switch key, value, _ := strings.Cut(word, "="); key {
			case "cipher":
				h.set("global", "repo1-cipher-type", "aes-256-cbc")
				h.set("global", "repo1-cipher-pass", "secret")
			case "compress-type":
				h.set("global", key, value)
			default:
				h.set("global", "repo1-"+key, value)
			}
		}
		h.scenario(t, variant, func() {
			h.ok("stanza-create")
			h.backup("full")
			c.change(i)
			h.backup("incr")
			h.both2(0, texts("status: ok"), "verify", "--verbose")
			h.both2(0, texts("status: ok"), "verify", "--verbose", "--set="+h.lastLabel("repo"))
			control := h.lastLabel("repo") + "/bundle/1"
			if !strings.Contains(variant, "bundle") {
				control = h.lastLabel("repo") + "/pg_data/global/pg_control" + map[string]string{"none": "", "gz": ".gz", "bz2": ".bz2", "lz4": ".lz4"}[strings.Fields(variant)[0][14:]]
			}
			h.flip(h.path("repo/backup/s", control))
			h.both2(0, texts("invalid checksum '"+control+"'", "status: error"), "verify")
		})
	}
}

// both2 is both for hosts whose program is the peer.
func (h *host) both2(code int, texts []string, args ...string) {
	h.t.Helper()
	peer := h.want(h.runAs(lab.peer, args...), code, texts...)
	h.same(peer, h.want(h.runAs(lab.ours, args...), code, texts...))
}

func TestRepoCommandScenarios(t *testing.T) {
	t.Parallel()
	h := newHost(t, lab.ours)
	h.set("global", "compress-type", "gz")
	h.set("global", "repo1-cipher-type", "aes-256-cbc")
	h.set("global", "repo1-cipher-pass", "some words")
	h.base()
	label := h.backup("full")
	h.cluster.archived()
	stanza := h.stanza
	h.stanza = ""

	h.scenario(t, "SN-610", func() {
		missing := "archive/s/nope"
		h.both(55, texts("unable to open missing file '"+h.path("repo", missing)+"' for read"), "repo-get", missing)
		r := h.gives(1, nil, "repo-get", missing, "--ignore-missing")
		if r.all() != "" {
			t.Errorf("%s", r)
		}
		h.both(1, nil, "repo-get", missing, "--ignore-missing")
	})
	h.scenario(t, "SN-611", func() {
		h.both(96, texts("path 'a//b' cannot contain //"), "repo-ls", "a//b")
		h.both(96, texts("absolute path '/etc' is not in base path '"+h.path("repo")+"'"), "repo-ls", "/etc")
		h.both(96, texts("only one path may be specified"), "repo-ls", "a", "b")
		h.both(0, nil, "repo-ls", "a/b")
		h.both(0, texts(`{".":{"type":"path"}}`), "repo-ls", "a/b", "--output=json")
		h.both(0, texts("archive\n", "backup\n"), "repo-ls")
		h.both(0, texts("15-1\narchive.info\n"), "repo-ls", h.path("repo/archive/s"))
		for _, args := range []string{"", "--recurse", "--recurse --sort=desc", "--output=json", "--recurse --output=json", "--recurse --filter=info$ backup"} {
			h.both(0, nil, append(texts("repo-ls"), strings.Fields(args)...)...)
		}
	})
	h.scenario(t, "SN-612", func() {
		segment := strings.TrimPrefix(h.archivedFiles("repo")[0], h.path("repo")+"/")
		for name, begin := range map[string]string{
			"archive/s/archive.info": "[backrest]", "backup/s/backup.info.copy": "[backrest]", segment: "\x1f\x8b",
			"backup/s/" + label + "/backup.manifest":                              "[backrest]",
			"backup/s/" + label + "/pg_data/PG_VERSION.gz":                        "\x1f\x8b",
			"backup/s/latest/pg_data/global/pg_filenode.map.gz":                   "\x1f\x8b",
			"backup/s/backup.history/" + label[:4] + "/" + label + ".manifest.gz": "\x1f\x8b",
		} {
			peer, ours := h.okAs(lab.peer, "repo-get", name), h.ok("repo-get", name)
			if peer.stdout != ours.stdout || !strings.Contains(ours.stdout[:min(40, len(ours.stdout))], begin) {
				t.Errorf("%s: %d bytes, the peer %d\n%.40q", name, len(ours.stdout), len(peer.stdout), ours.stdout)
			}
			raw := h.ok("repo-get", "--raw", name)
			if raw.stdout != h.read(h.path("repo", name)) || !strings.HasPrefix(raw.stdout, "Salted__") {
				t.Errorf("%s is not raw", name)
			}
		}
		h.both(32, texts("unable to determine cipher passphrase for 'x'"), "repo-get", "x")
		h.both(32, texts("stanza name 'other' given in option doesn't match the given path"), "repo-get", "--stanza=other", "archive/s/archive.info")
	})
	h.scenario(t, "closed pipe", func() {
		for _, args := range []string{"repo-ls --recurse", "repo-get --raw backup/s/" + label + "/pg_data/base/1/1255.gz"} {
			cmd := h.command(t.Context(), "/bin/sh", "-c", `"$0" --config="$1" $2 | true; exit 0`, lab.ours.path, h.confPath(), args)
			if out, err := cmd.CombinedOutput(); err != nil || len(out) > 0 {
				t.Errorf("%s: %v\n%s", args, err, out)
			}
		}
	})
	h.stanza = stanza
	h.scenario(t, "manifest", func() {
		for _, args := range []string{"", "--output=json", "--filter=pg_data/PG_VERSION", "--reference=latest", "--set=" + label} {
			h.both(0, texts(label), append(texts("manifest"), strings.Fields(args)...)...)
		}
		h.both(55, texts("unable to load backup manifest file"), "manifest", "--set=20200101-000000F")
	})
	h.scenario(t, "repo-rm", func() {
		h.both(31, texts("recurse option must be used to delete non-empty path"), "repo-rm", "backup")
		h.both(0, nil, "repo-rm", "nope")
		h.gives(0, nil, "repo-rm", "archive/s/archive.info.copy")
		h.gives(0, nil, "repo-rm", "backup/s/"+label, "--recurse")
		if h.exists(h.path("repo/archive/s/archive.info.copy")) || h.exists(h.path("repo/backup/s", label)) {
			t.Error("still there")
		}
		h.both(0, texts("found in backup.info but not in the repository"), "verify")
	})
}

func TestAnnotateScenarios(t *testing.T) {
	t.Parallel()
	h := newHost(t, lab.ours)
	h.secondRepo()
	h.base()
	one := h.backup("full", "--repo=1")
	two := h.backup("full", "--repo=2")

	h.scenario(t, "SN-613", func() {
		h.both(37, texts("annotate command requires option: annotation"), "annotate", "--set="+one)
		h.both(37, texts("annotate command requires option: set"), "annotate", "--annotation=a=b")
		h.both(32, texts("'bogus' is not a valid backup label format"), "annotate", "--set=bogus", "--annotation=a=b")
		h.both(32, texts("'latest' is not a valid backup label format"), "annotate", "--set=latest", "--annotation=a=b")
		h.both(75, texts("no backup set to annotate found"), "annotate", "--set=20200101-000000F", "--annotation=a=b")
		h.both(31, texts("key/value 'ab' not valid for 'annotation' option"), "annotate", "--set="+one, "--annotation=ab")
		h.gives(0, texts("backup set '"+one+"' to annotate found in repo1", "!in repo2"), "annotate", "--repo=1", "--set="+one,
			"--annotation=comment=before the night", "--annotation=key=v1")
		h.sameInfo(one)
		if r := h.ok("info", "--set="+one); !strings.Contains(r.stdout, "comment: before the night") {
			t.Errorf("%s", r)
		}
		h.gives(0, nil, "annotate", "--repo=1", "--set="+one, "--annotation=comment=", "--annotation=key=v2")
		h.sameInfo(one)
		h.want(h.ok("info", "--set="+one), 0, "key: v2", "!comment")
		h.gives(0, nil, "annotate", "--repo=1", "--set="+one, "--annotation=key=")
		h.want(h.ok("info", "--set="+one), 0, "!annotation")
		h.want(h.okAs(lab.peer, "annotate", "--repo=1", "--set="+one, "--annotation=back=again"), 0)
		h.want(h.ok("info", "--set="+one), 0, "back: again")
	})
	h.scenario(t, "SN-614", func() {
		first := h.read(h.path("repo/backup/s/backup.info"))
		h.gives(0, texts("backup set '"+two+"' to annotate found in repo2", "!in repo1"), "annotate", "--set="+two, "--annotation=where=here")
		if got := h.read(h.path("repo/backup/s/backup.info")); got != first {
			t.Errorf("backup.info of repo1 is now\n%s", got)
		}
		h.want(h.ok("info", "--set="+two), 0, "where: here")
		h.sameInfo(one, two)
	})
	h.scenario(t, "locked", func() {
		release := h.hold("s-backup-2.lock", `{"execId":"1-01234567"}`+"\n")
		defer release()
		h.both(50, texts("HINT: is another pgBackRest process running?"), "annotate", "--set="+one, "--annotation=a=b")
		h.gives(0, nil, "annotate", "--repo=1", "--set="+one, "--annotation=a=b")
	})
	h.scenario(t, "one repository fails", func() {
		h.remove(h.path("repo/backup/s/backup.info"))
		h.remove(h.path("repo/backup/s/backup.info.copy"))
		h.gives(104, texts("ERROR: [055]: repo1: unable to load info file", "backup set '"+two+"' to annotate found in repo2",
			"annotate command encountered 1 error(s), check the log file for details"), "annotate", "--set="+two, "--annotation=a=b")
		h.both(104, texts("repo1: unable to load info file"), "annotate", "--set=20200101-000000F", "--annotation=a=b")
	})
}
