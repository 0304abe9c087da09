package config

import (
	"fmt"
	"strings"

	"holdfast/internal/errs"
)

// CrossCheck applies the rules that span options. It may change values that follow from others. The warnings are to be logged
// before the error. A command calls it once, after it has taken its lock.
func (c *Config) CrossCheck() (warnings []string, err error) {
	x := &crossing{Config: c}
	for _, rule := range []func() error{
		x.oneRepository, x.differentPaths, x.timeouts, x.oneRemote, x.retention, x.bucketNames, x.compression, x.fingerprints,
		x.targetTime, x.stopAuto,
	} {
		if err := rule(); err != nil {
			return x.said, err
		}
	}
	return x.said, nil
}

// crossing is one run of the rules.
type crossing struct {
	*Config
	said []string
}

func (x *crossing) say(format string, args ...any) {
	x.said = append(x.said, fmt.Sprintf(format, args...))
}

// isSet reports whether the option applies and its value is not a default.
func (x *crossing) isSet(option string) bool { return x.Source(option) != Default }

// keysOf returns the repository indexes if the option applies.
func (x *crossing) keysOf(option string) []int {
	if !x.Valid(option) {
		return nil
	}
	return x.keys["repo"]
}

// assume changes a value without making it look as if someone had set it.
func (x *crossing) assume(option string, key int, text string, number int64) {
	x.values[ref{x.table.exact(option), key}] = &value{has: true, text: secretly(text), number: number}
}

// oneRepository keeps stanza-delete from choosing among repositories.
func (x *crossing) oneRepository() error {
	keys := x.keys["repo"]
	if x.Help || x.Command != "stanza-delete" || x.Has("repo") || len(keys) == 1 && keys[0] == 1 {
		return nil
	}
	return errs.New(errs.OptionRequired, "%s command requires option: repo", x.Command).
		Hint("this command requires a specific repository to operate on")
}

// differentPaths keeps two repositories on this host from sharing a directory.
func (x *crossing) differentPaths() error {
	type place struct{ kind, path string }
	seen := map[place]int{}
	for _, key := range x.keysOf("repo-path") {
		kind := x.String("repo-type", key)
		if x.Has("repo-host", key) || kind != "posix" && kind != "cifs" {
			continue
		}
		here := place{kind, x.String("repo-path", key)}
		if first, taken := seen[here]; taken {
			return errs.New(errs.OptionInvalidValue, "local repo%d and repo%d paths are both '%s' but must be different",
				first, key, x.Original("repo-path", key))
		}
		seen[here] = key
	}
	return nil
}

// timeouts keeps protocol-timeout above db-timeout, for a process must not be given up while it waits for the database.
func (x *crossing) timeouts() error {
	const distance, least = 30_000, 15_000 // milliseconds
	if !x.Valid("protocol-timeout") || !x.Valid("db-timeout") {
		return nil
	}
	protocol, db := x.Duration("protocol-timeout").Milliseconds(), x.Duration("db-timeout").Milliseconds()
	if protocol > db {
		return nil
	}
	set := func(option string, ms int64) error {
		x.assume(option, 0, fmt.Sprintf("%dms", ms), ms)
		return nil
	}
	switch {
	case !x.isSet("protocol-timeout"):
		return set("protocol-timeout", db+distance)
	case x.isSet("db-timeout"):
		return errs.New(errs.OptionInvalidValue, "'%s' is not valid for 'protocol-timeout' option\n"+
			"HINT 'protocol-timeout' option (%[1]s) should be greater than 'db-timeout' option (%s).",
			x.Original("protocol-timeout"), x.Original("db-timeout"))
	case protocol-distance >= least:
		return set("db-timeout", protocol-distance)
	}
	return set("db-timeout", protocol/2)
}

// oneRemote requires that either the cluster or the repository is on this host.
func (x *crossing) oneRemote() error {
	if x.anyHas("pg-host", "pg") && x.anyHas("repo-host", "repo") {
		return errs.New(errs.Config, "pg and repo hosts cannot both be configured as remote")
	}
	return nil
}

func (x *crossing) anyHas(option, group string) bool {
	for _, key := range x.keys[group] {
		if x.Has(option, key) {
			return true
		}
	}
	return false
}

// retention fills in what follows from other retention options and warns where nothing will ever expire.
func (x *crossing) retention() error {
	for _, key := range x.keysOf("repo-retention-full") {
		if !x.Help && !x.Has("repo-retention-full", key) {
			x.say("option 'repo%d-retention-full' is not set for 'repo%[1]d-retention-full-type=%s', the repository may run out of"+
				" space\nHINT: to retain full backups indefinitely (without warning), set option 'repo%[1]d-retention-full' to the"+
				" maximum.", key, x.String("repo-retention-full-type", key))
		}
		x.archiveRetention(key)
	}
	return nil
}

func (x *crossing) archiveRetention(key int) {
	kind := x.String("repo-retention-archive-type", key)
	hasDiff := x.Has("repo-retention-diff", key)
	inherit := func(option string) {
		x.assume("repo-retention-archive", key, x.Original(option, key), x.Int(option, key))
	}
	if x.Has("repo-retention-archive", key) {
		if kind == "diff" && !hasDiff {
			x.say("option 'repo%d-retention-diff' is not set for 'repo%[1]d-retention-archive-type=diff'\n"+
				"HINT: to retain differential backups indefinitely (without warning), set option 'repo%[1]d-retention-diff' to the"+
				" maximum.", key)
		}
		return
	}
	switch {
	case kind == "full":
		if x.String("repo-retention-full-type", key) == "count" && x.Has("repo-retention-full", key) {
			inherit("repo-retention-full")
		}
	case kind == "diff" && hasDiff:
		inherit("repo-retention-diff")
	case kind == "diff":
		x.say("WAL segments will not be expired: option 'repo%d-retention-archive-type=diff' but neither option"+
			" 'repo%[1]d-retention-archive' nor option 'repo%[1]d-retention-diff' is set", key)
	case kind == "incr":
		x.say("WAL segments will not be expired: option 'repo%d-retention-archive-type=incr' but option"+
			" 'repo%[1]d-retention-archive' is not set", key)
	}
}

// bucketNames refuses a bucket name no certificate can cover.
func (x *crossing) bucketNames() error {
	for _, key := range x.keysOf("repo-s3-bucket") {
		if !x.Has("repo-s3-bucket", key) || !x.Bool("repo-storage-verify-tls", key) || x.String("repo-s3-uri-style", key) != "host" {
			continue
		}
		bucket := x.String("repo-s3-bucket", key)
		if strings.Contains(bucket, ".") {
			return errs.New(errs.OptionInvalidValue, "'%s' is not valid for option 'repo%d-s3-bucket'", bucket, key).
				Hint("RFC-2818 forbids dots in wildcard matches.").
				Hint("TLS/SSL verification cannot proceed with this bucket name.").
				Hint("remove dots from the bucket name.")
		}
	}
	return nil
}

// compression translates the old option compress.
func (x *crossing) compression() error {
	switch {
	case !x.isSet("compress"):
	case x.isSet("compress-type"):
		x.say("'compress' and 'compress-type' options should not both be set\n" +
			"HINT: 'compress-type' is preferred and 'compress' is deprecated.")
	case !x.Bool("compress"):
		x.assume("compress-type", 0, "none", 0)
		x.assume("compress-level", 0, "0", 0)
	}
	return nil
}

// fingerprints checks that the way SFTP hosts are recognised and the fingerprint go together.
func (x *crossing) fingerprints() error {
	const finger, check = "repo-sftp-host-fingerprint", "repo-sftp-host-key-check-type"
	for _, key := range x.keysOf(check) {
		if !x.Has(check, key) {
			continue
		}
		kind := x.String(check, key)
		switch {
		case !x.Has(finger, key):
			if kind == "fingerprint" {
				return errs.New(errs.OptionRequired, "%s command requires option: repo%d-sftp-host-fingerprint", x.Command, key)
			}
		case x.Source(check, key) == Default:
			x.say("option 'repo%d-sftp-host-fingerprint' without option 'repo%[1]d-sftp-host-key-check-type' = 'fingerprint' is"+
				" deprecated\nHINT: set option 'repo%[1]d-sftp-host-key-check-type=fingerprint'", key)
			x.assume(check, key, "fingerprint", 0)
		case kind != "fingerprint":
			return errs.New(errs.OptionInvalid, "option 'repo%d-sftp-host-fingerprint' not valid without option"+
				" 'repo%[1]d-sftp-host-key-check-type' = 'fingerprint'", key)
		}
	}
	return nil
}

// targetTime requires a repository for looking at its past.
func (x *crossing) targetTime() error {
	if x.Has("repo-target-time") && !x.Has("repo") {
		return errs.New(errs.OptionInvalid, "option 'repo-target-time' not valid without option 'repo'")
	}
	return nil
}

func (x *crossing) stopAuto() error {
	if x.isSet("stop-auto") {
		x.say("option 'stop-auto' is deprecated\nHINT: all supported versions use non-exclusive backup.\n" +
			"HINT: stop using this option to avoid an error when it is removed.")
	}
	return nil
}
