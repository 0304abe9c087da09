package e2e

import (
	"os"
	"path/filepath"
	"regexp"
	"testing"
)

// Expiry is compared by running both programs on copies of one repository: they must say the same
// and leave the same files.
func TestExpireScenarios(t *testing.T) {
	t.Parallel()
	h := newHost(t, lab.ours)
	h.set("global", "compress-type", "zst")
	h.addCluster()
	c := h.cluster
	c.table(500)
	h.ok("stanza-create")
	var labels []string
	for i, kind := range []string{"full", "diff", "incr", "full", "incr", "diff", "full", "incr", "incr"} {
		labels = append(labels, h.backup(kind))
		c.change(i)
		c.archived()
	}
	c.stop()
	segment := filepath.Base(h.glob("repo/archive/s/15-1/0000000100000000/00000001000000000000000[B]-*"))[:24]
	history := func() string { return h.path("repo/backup/s/backup.history", labels[0][:4]) }
	none := func() {}

	tests := []struct {
		id     string
		texts  []string
		code   int
		before func()
		args   []string
	}{
		{"SN-501", texts("repo1: expire full backup set ", "remove archive"), 0, none, texts("--repo1-retention-full=2")},
		{"one full", nil, 0, none, texts("--repo1-retention-full=1")},
		{"nothing to do", nil, 0, none, nil},
		{"SN-517", texts("repo1: expire diff backup"), 0, none, texts("--repo1-retention-diff=1")},
		{"diffs", nil, 0, none, texts("--repo1-retention-diff=2")},
		{"SN-513 diff", nil, 0, none, texts("--repo1-retention-archive-type=diff", "--repo1-retention-archive=1", "--repo1-retention-diff=9")},
		{"SN-513 incr", nil, 0, none, texts("--repo1-retention-archive-type=incr", "--repo1-retention-archive=1")},
		{"incr 3", nil, 0, none, texts("--repo1-retention-archive-type=incr", "--repo1-retention-archive=3", "--log-level-console=detail")},
		{"archive full", nil, 0, none, texts("--repo1-retention-archive=1", "--log-level-console=detail")},
		{"archive missing", nil, 0, none, texts("--repo1-retention-archive-type=incr")},
		{"SN-511", texts("time-based archive retention not met"), 0, none, texts("--repo1-retention-full-type=time", "--repo1-retention-full=1")},
		{"time with archive", nil, 0, none, texts("--repo1-retention-full-type=time", "--repo1-retention-full=1", "--repo1-retention-archive=2")},
		{"SN-502", texts("'bogus' is not a valid backup label format"), 32, none, texts("--set=bogus")},
		{"SN-502 unknown", texts("WARN: backup 20200101-000000F does not exist"), 0, none, texts("--set=20200101-000000F")},
		{"SN-504", texts("WARN: ", "repo1: expiring latest backup"), 0, none, texts("--set=" + labels[6])},
		{"set of a diff", nil, 0, none, texts("--set=" + labels[1])},
		{"set of an incr", nil, 0, none, texts("--set=" + labels[8])},
		{"set of the first", nil, 0, none, texts("--set=" + labels[0])},
		{"SN-505", nil, 0, none, texts("--oldest")},
		{"oldest, detail", nil, 0, none, texts("--oldest", "--log-level-console=detail", "--repo1-retention-archive-type=incr", "--repo1-retention-archive=2")},
		{"SN-506", texts("--oldest and --set cannot be used together"), 31, none, texts("--oldest", "--set="+labels[0])},
		{"SN-506 segment", texts("'abc' is not a valid WAL segment name for option '--archive-expire-before'"), 32, none, texts("--archive-expire-before=abc")},
		{"archive before", nil, 0, none, texts("--archive-expire-before="+segment, "--repo1-retention-full=1", "--log-level-console=detail")},
		{"SN-507", texts("[DRY-RUN] repo1: expire full backup set ", "[DRY-RUN] repo1: remove expired backup"), 0, none, texts("--dry-run", "--repo1-retention-full=1")},
		{"SN-507 set", texts("[DRY-RUN] "), 0, none, texts("--dry-run", "--set="+labels[6])},
		{"SN-508", texts("remove expired backup 20390101-000000F_20390102-000000D"), 0, func() {
			h.mkdir("repo/backup/s/20390101-000000F_20390102-000000D", 0o750)
			h.mkdir("repo/backup/s/20390101-000000", 0o750)
		}, nil},
		{"SN-509", texts("!20390101"), 0, func() {
			h.mkdir("repo/backup/s/20390101-000000F", 0o750)
			h.write(h.path("repo/backup/s/20390101-000000F/backup.manifest.copy"), h.read(h.path("repo/backup/s", labels[0], "backup.manifest.copy")))
		}, nil},
		{"SN-509 without copy", texts("remove expired backup 20390101-000000F"), 0, func() { h.mkdir("repo/backup/s/20390101-000000F", 0o750) }, nil},
		{"SN-510", texts("WARN: backup '"+labels[3]+"' missing manifest removed from backup.info",
			"WARN: backup '"+labels[4]+"' missing manifest removed from backup.info"), 0, func() {
			h.remove(h.path("repo/backup/s", labels[3], "backup.manifest"))
		}, nil},
		{"unlisted backup", texts("found in repository added to backup.info"), 0, func() {
			h.forget(labels[8])
		}, nil},
		{"SN-518", texts("remove expired backup history manifest"), 0, none, texts("--repo1-retention-history=0", "--repo1-retention-full=1")},
		{"history in dry run", nil, 0, none, texts("--repo1-retention-history=0", "--repo1-retention-full=1", "--dry-run")},
		{"history of old years", texts("remove expired backup history path 2020"), 0, func() {
			dir := h.mkdir("repo/backup/s/backup.history/2020", 0o750)
			h.write(filepath.Join(dir, "20200101-000000F.manifest.gz"), "")
			h.write(filepath.Join(history(), labels[0][:9]+"000000F.manifest.gz"), "")
		}, texts("--repo1-retention-history=1")},
		{"SN-630", nil, 0, func() {
			h.write(h.path("repo/backup/s/backup.info.pgbackrest.tmp"), "half")
			h.write(h.path("repo/archive/s/archive.info.pgbackrest.tmp"), "half")
		}, texts("--repo1-retention-full=2")},
	}
	h.copyTree("repo", "kept")
	for _, test := range tests {
		h.scenario(t, test.id, func() {
			h.copyTree("kept", "repo")
			test.before()
			h.copyTree("repo", "prepared")
			args := append(texts("expire"), test.args...)
			peer := h.want(h.runAs(lab.peer, args...), test.code, test.texts...)
			want := expiredTree(h, "repo")
			info := h.okAs(lab.peer, "info", "--output=json").stdout
			h.copyTree("prepared", "repo")
			ours := h.want(h.run(args...), test.code, test.texts...)
			h.same(peer, ours)
			if diff := expiredTree(h, "repo").diff(want); diff != "" {
				h.t.Errorf("what is left in the repository:\n%s", diff)
			}
			if got := h.okAs(lab.peer, "info", "--output=json").stdout; got != info {
				h.t.Errorf("info is\n%s\nwant\n%s", got, info)
			}
		})
	}
	h.scenario(t, "SN-503", func() {
		h.copyTree("kept", "repo")
		h.ok("expire", "--repo1-retention-full=1")
		h.both(104, texts("[075]: repo1: full backup "+labels[6]+" cannot be expired until another full backup has been created on this repo"),
			"expire", "--set="+labels[6])
		h.both(0, texts("WARN: repo1: expire oldest requested but no eligible full backup to expire"), "expire", "--oldest")
	})
}

// copyTree replaces a directory of the host by a copy of another one, times and links included.
func (h *host) copyTree(from, to string) {
	h.t.Helper()
	if err := os.RemoveAll(h.path(to)); err != nil {
		h.t.Fatal(err)
	}
	cmd := h.command(h.t.Context(), "cp", "-a", h.path(from), h.path(to))
	if out, err := cmd.CombinedOutput(); err != nil {
		h.t.Fatalf("cp: %v\n%s", err, out)
	}
}

// forget takes a backup out of backup.info, as if the program had been killed before it was added.
// The checksum of the file is left to the copy that has no entry either.
func (h *host) forget(label string) {
	h.t.Helper()
	dir := h.path("repo/backup/s")
	hidden := h.path("tmp", "hidden")
	if err := os.Rename(filepath.Join(dir, label), hidden); err != nil {
		h.t.Fatal(err)
	}
	h.okAs(lab.peer, "expire")
	if err := os.Rename(hidden, filepath.Join(dir, label)); err != nil {
		h.t.Fatal(err)
	}
}

// expiredTree is what is left of a repository. Info files are compared through info.
func expiredTree(h *host, name string) tree {
	h.t.Helper()
	info := regexp.MustCompile(`\.info(\.copy)?$`)
	got := readTree(h.t, h.path(name))
	for name, e := range got {
		if e.mtime = 0; info.MatchString(name) {
			e.size, e.sum = 0, ""
		}
		got[name] = e
	}
	return got
}

func TestInfoScenarios(t *testing.T) {
	t.Parallel()
	h := newHost(t, lab.ours)
	h.both(0, texts("missing stanza path"), "info")
	h.stanza = ""
	h.both(0, nil, "info")
	h.both(0, nil, "info", "--output=json")
	h.stanza = "s"
	h.addCluster()
	h.cluster.table(100)
	h.ok("stanza-create")
	h.both(0, texts("no valid backups"), "info")
	h.mkdir("ts1", 0o700)
	h.cluster.sql("create tablespace ts1 location '" + h.path("ts1") + "'")
	h.cluster.sql("create database app tablespace ts1")
	full := h.backup("full", "--annotation=who=the night shift", "--annotation=ä=<&>")
	diff := h.backup("diff")
	h.cluster.archived()
	incr := h.backup("incr", "--no-archive-check")

	h.scenario(t, "SN-608", func() {
		h.stanza = ""
		h.both(31, nil, "info", "--set="+full)
		h.stanza = "s"
		h.both(31, texts("option 'set' cannot be used with option 'detail-level' = 'progress'"), "info", "--set="+full, "--detail-level=progress")
		h.both(0, texts("requested backup not found"), "info", "--set=20200101-000000F")
		h.both(0, texts("requested backup not found"), "info", "--set=20200101-000000F", "--output=json")
	})
	h.scenario(t, "SN-627", func() {
		h.both(31, texts("option 'repo-target-time' not valid without option 'repo'"), "info", "--repo-target-time=2030-01-01 00:00:00+00")
	})
	h.scenario(t, "kinds and zones", func() {
		h.sameInfo(full, diff, incr)
		for _, kind := range []string{"full", "diff", "incr"} {
			h.both(0, nil, "info", "--type="+kind)
			h.both(0, nil, "info", "--type="+kind, "--output=json", "--set="+incr)
		}
		h.stanza = ""
		h.both(0, nil, "info")
		h.both(0, nil, "info", "--detail-level=progress", "--output=json")
		h.stanza = "s"
		for _, zone := range []string{"America/New_York", "Asia/Kolkata", "Pacific/Chatham"} {
			h.env = []string{"TZ=" + zone}
			h.both(0, nil, "info", "--set="+diff)
			h.env = nil
		}
	})
	h.scenario(t, "missing and damaged", func() {
		h.copyTree("repo", "kept")
		spoil := func(what func()) {
			what()
			h.both(0, nil, "info")
			h.both(0, nil, "info", "--output=json")
			h.copyTree("kept", "repo")
		}
		for _, name := range []string{"backup/s/backup.info", "archive/s/archive.info"} {
			path := h.path("repo", name)
			spoil(func() { h.remove(path) })
			spoil(func() { h.remove(path); h.remove(path + ".copy") })
			spoil(func() { h.flip(path); h.flip(path + ".copy") })
			spoil(func() { h.write(path, ""); h.write(path+".copy", "[backrest]\n") })
		}
		spoil(func() { h.remove(h.path("repo/archive/s/15-1")) })
		spoil(func() { h.remove(h.path("repo/backup/s")) })
	})
}
