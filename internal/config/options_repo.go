package config

// Options of repositories: place, form, encryption, retention.
var repoOptions = []Option{
	{
		Name: "repo", Type: Integer, Section: CommandOnly, HelpGroup: "repository",
		For: "annotate archive-get archive-push:remote backup check:remote expire info manifest repo-get " +
			"repo-ls repo-rm restore stanza-create:remote stanza-delete stanza-upgrade:remote verify",
		Optional: true, Min: "1", Max: "256",
		Summary: "Number of the repository to use.",
		Text: "This chooses among the repositories configured as repo1, repo2 and so on. Commands that need one repository use " +
			"the one with the lowest number otherwise; commands that can work on several use all of them.",
	},
	{
		Name: "repo-block", Type: Boolean, Group: "repo", HelpGroup: "repository",
		For:     "backup:main",
		Default: "n",
		Depend:  Depend{Option: "repo-bundle", Values: []string{"y"}, Unmet: "n"},
		Summary: "Store changes within files by blocks.",
		Text: "Differential and incremental backups normally store a file again as a whole when anything in it has changed. " +
			"With this option large files are divided into blocks and only changed blocks are stored. Bundling must be on. " +
			"It saves much space where big tables change here and there.",
	},
	{
		Name: "repo-block-age-map", Type: Hash, Group: "repo",
		For:      "backup:main",
		Optional: true, Internal: true,
		Depend:  Depend{Option: "repo-block", Values: []string{"y"}},
		Summary: "Block size by the age of a file.",
		Text:    "Files that have not changed for long are likely to stay so and get larger blocks. Each entry is days=factor.",
	},
	{
		Name: "repo-block-checksum-size-map", Type: Hash, Group: "repo",
		For:      "backup:main",
		Optional: true, Internal: true,
		Depend:  Depend{Option: "repo-block", Values: []string{"y"}},
		Summary: "Checksum size by block size.",
		Text:    "Larger blocks need longer checksums to be told apart safely. Each entry is size=bytes.",
	},
	{
		Name: "repo-block-size-map", Type: Hash, Group: "repo",
		For:      "backup:main",
		Optional: true, Internal: true,
		Depend:  Depend{Option: "repo-block", Values: []string{"y"}},
		Summary: "Block size by file size.",
		Text: "Larger files get larger blocks. Each entry is size=size: files of at least the first size use blocks of the " +
			"second.",
	},
	{
		Name: "repo-block-size-super", Type: Size, Group: "repo",
		For:     "backup:main",
		Default: "256KiB", Internal: true, Min: "32KiB", Max: "16MiB",
		Depend:  Depend{Option: "repo-block", Values: []string{"y"}},
		Summary: "Amount of blocks compressed together.",
		Text: "In differential and incremental backups blocks are gathered to this size before they are compressed. More " +
			"compresses better, less makes reading single blocks cheaper.",
	},
	{
		Name: "repo-block-size-super-full", Type: Size, Group: "repo",
		For:     "backup:main",
		Default: "1MiB", Internal: true, Min: "32KiB", Max: "16MiB",
		Depend:  Depend{Option: "repo-block", Values: []string{"y"}},
		Summary: "Amount of blocks compressed together in full backups.",
		Text:    "In full backups blocks are gathered to this size before they are compressed.",
	},
	{
		Name: "repo-bundle", Type: Boolean, Group: "repo", HelpGroup: "repository",
		For:     "backup:main",
		Default: "n",
		Summary: "Store small files together.",
		Text: "A cluster has thousands of tiny files. Stored one by one they take more time and, in some storages, more space " +
			"and money than their content is worth. With this option they are put together into bundles.",
	},
	{
		Name: "repo-bundle-limit", Type: Size, Group: "repo", HelpGroup: "repository",
		For:     "backup:main",
		Default: "2MiB", Min: "8KiB", Max: "1PiB",
		Depend:  Depend{Option: "repo-bundle", Values: []string{"y"}},
		Summary: "Largest file that goes into a bundle.",
		Text: "Files above this size are stored on their own, so that an interrupted backup can be resumed without copying " +
			"them again.",
	},
	{
		Name: "repo-bundle-size", Type: Size, Group: "repo", HelpGroup: "repository",
		For:     "backup:main",
		Default: "20MiB", Min: "1MiB", Max: "1PiB",
		Depend:  Depend{Option: "repo-bundle", Values: []string{"y"}},
		Summary: "Size of a bundle.",
		Text: "Files are put together until this size is reached, measured before compression. One bundle may become somewhat " +
			"larger.",
	},
	{
		Name: "repo-cipher-pass", Type: String, Group: "repo", HelpGroup: "repository",
		For:        forRepo,
		Secure:     true,
		Depend:     Depend{Option: "repo-cipher-type", Values: []string{"aes-256-cbc"}},
		Deprecated: []OldName{{Name: "repo-cipher-pass", Plain: true}},
		Summary:    "Passphrase of the repository.",
		Text: "All files in the repository are encrypted with keys that are protected by this passphrase. Without it no backup " +
			"can be restored: keep a copy in a safe place outside of the repository. Make it long and random, for example " +
			"with openssl rand -base64 48.",
	},
	{
		Name: "repo-cipher-type", Type: String, Group: "repo", HelpGroup: "repository",
		For:        forRepo,
		Default:    "none",
		Allow:      []string{"none", "aes-256-cbc"},
		Deprecated: []OldName{{Name: "repo-cipher-type", Plain: true}},
		Summary:    "Encryption of the repository.",
		Text: "With aes-256-cbc everything is encrypted before it leaves this host, so the storage need not be trusted with " +
			"the content. Encryption is chosen before stanza-create and cannot be changed afterwards.",
	},
	{
		Name: "repo-hardlink", Type: Boolean, Group: "repo", HelpGroup: "repository",
		For:        "backup:main",
		Default:    "n",
		Depend:     Depend{Option: "repo-bundle", Values: []string{"n"}, Unmet: "n"},
		Deprecated: []OldName{{Name: "hardlink", Plain: true}},
		Summary:    "Show every backup as a complete directory.",
		Text: "In differential and incremental backups unchanged files are hard links to the earlier backup. A backup that is " +
			"not compressed is then a full copy of the data directory which PostgreSQL could use. This needs a local file " +
			"system with hard links and takes no space for content.",
	},
	{
		Name: "repo-path", Type: Path, Group: "repo", HelpGroup: "repository",
		For:        forRepo,
		Default:    "/var/lib/pgbackrest",
		Deprecated: []OldName{{Name: "repo-path", Plain: true}},
		Summary:    "Directory of the repository.",
		Text: "Backups and WAL are stored below this path. In object stores it is the beginning of all names and may be /. Use " +
			"a place that does not fail together with the cluster.",
	},
	{
		Name: "repo-retention-archive", Type: Integer, Group: "repo", HelpGroup: "repository",
		For:      forRetention,
		Optional: true, Min: "1", Max: "9999999",
		Deprecated: []OldName{{Name: "retention-archive", Plain: true}},
		Summary:    "Number of backups whose WAL is kept.",
		Text: "Counted from the newest, for this many backups all WAL is kept so that recovery can go to any moment since. For " +
			"older backups just the WAL that makes them consistent is kept. Which backups count is set by " +
			"repo-retention-archive-type. It is best left alone: WAL is then kept as long as full backups are, if they are " +
			"counted.",
	},
	{
		Name: "repo-retention-archive-type", Type: String, Group: "repo", HelpGroup: "repository",
		For:        forRetention,
		Default:    "full",
		Allow:      []string{"full", "diff", "incr"},
		Deprecated: []OldName{{Name: "retention-archive-type", Plain: true}},
		Summary:    "Backups that count for archive retention.",
		Text: "With full, full backups are counted; with diff, full and differential backups; with incr, all. Anything but " +
			"full means that recovery to any moment reaches less far back than the backups.",
	},
	{
		Name: "repo-retention-diff", Type: Integer, Group: "repo", HelpGroup: "repository",
		For:      forRetention,
		Optional: true, Min: "1", Max: "9999999",
		Deprecated: []OldName{{Name: "retention-diff", Plain: true}},
		Summary:    "Number of differential backups to keep.",
		Text: "Counted from the newest; full backups count as well. A differential backup that is removed takes its " +
			"incremental backups along. Without a value differential backups stay until their full backup goes.",
	},
	{
		Name: "repo-retention-full", Type: Integer, Group: "repo", HelpGroup: "repository",
		For:      forRetention,
		Optional: true, Min: "1", Max: "9999999",
		Deprecated: []OldName{{Name: "retention-full", Plain: true}},
		Summary:    "Number or age of full backups to keep.",
		Text: "With repo-retention-full-type=count this many full backups are kept. With time it is a number of days: backups " +
			"are kept as far as they are needed to go back that long. A full backup that is removed takes everything that " +
			"depends on it along. Without a value nothing is removed.",
	},
	{
		Name: "repo-retention-full-type", Type: String, Group: "repo", HelpGroup: "repository",
		For:     forRetention,
		Default: "count",
		Allow:   []string{"count", "time"},
		Summary: "Meaning of the retention of full backups.",
		Text: "With count it is a number of backups, with time a number of days. When days are used a full backup is removed " +
			"only if another one is at least that old, so there is always one to begin from.",
	},
	{
		Name: "repo-retention-history", Type: Integer, Group: "repo", HelpGroup: "repository",
		For:      forRetention,
		Optional: true, Min: "0", Max: "9999999",
		Summary: "Days to remember removed backups.",
		Text: "A copy of every manifest is kept for looking things up later. This removes the copies of removed backups once " +
			"they are this many days old; zero removes them at once. Without a value they are kept forever.",
	},
	{
		Name: "repo-symlink", Type: Boolean, Group: "repo", HelpGroup: "repository",
		For:     forRetention,
		Default: "y",
		Depend:  Depend{Option: "repo-type", Values: []string{"posix"}, Unmet: "n"},
		Summary: "Keep a link to the latest backup.",
		Text: "The link latest in the directory of a stanza leads to the newest backup. It is a convenience for people. Switch " +
			"it off for file systems that have no links.",
	},
	{
		Name: "repo-target-time", Type: String, HelpGroup: "repository",
		For: "archive-get:main,async,local info:main manifest:main repo-get:main repo-ls:main " +
			"restore:main,local verify:main,local",
		Optional: true,
		Summary:  "Look at the repository as it was then.",
		Text: "Object stores that keep old versions of files can show a repository as it was at an earlier time. Use this to " +
			"restore what was overwritten or removed, for example by an intruder. It is a time like 2030-01-31 12:00:00+01, " +
			"and --repo must be given.",
	},
	{
		Name: "repo-type", Type: String, Group: "repo", HelpGroup: "repository",
		For:        forRepo,
		Default:    "posix",
		Allow:      []string{"azure", "cifs", "gcs", "posix", "s3", "sftp"},
		Deprecated: []OldName{{Name: "repo-type", Plain: true}},
		Summary:    "Kind of storage.",
		Text: "A repository can be in a local or mounted file system (posix), on a network share that lacks links and syncing " +
			"of directories (cifs), in an object store (azure, gcs, s3), or on a host reached with SFTP (sftp).",
	},
}
