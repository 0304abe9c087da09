package config

// Options of WAL archiving and fetching.
var archiveOptions = []Option{
	{
		Name: "archive-async", Type: Boolean, HelpGroup: "command",
		For:     "archive-get archive-push",
		Default: "n",
		Summary: "Archive in the background.",
		Text: "A background process pushes or fetches several WAL segments at a time and keeps the results in the spool " +
			"directory, where the command PostgreSQL calls finds them at once. This helps where segments are produced faster " +
			"than one at a time can be transferred. The spool directory must be set to a place on a local disk.",
	},
	{
		Name: "archive-check", Type: Boolean, HelpGroup: "command",
		For:     "archive-push:main,async backup:main check:main",
		Default: "y",
		Except: []Exception{
			{Command: "backup", Depend: Depend{Option: "online", Values: []string{"y"}, Unmet: "n"}},
		},
		Summary: "Wait until WAL needed by the backup is archived.",
		Text: "A backup can be restored only together with the WAL written while it was taken. With this option the backup " +
			"fails unless that WAL has arrived in the archive. Switching it off is for the rare case that WAL reaches the " +
			"archive by other means.",
	},
	{
		Name: "archive-copy", Type: Boolean, HelpGroup: "command",
		For:     "backup:main",
		Default: "n",
		Except: []Exception{
			{Command: "backup", Depend: Depend{Option: "archive-check", Values: []string{"y"}, Unmet: "n"}},
		},
		Summary: "Store WAL needed by the backup in the backup as well.",
		Text: "The WAL that makes the backup consistent is copied from the archive into its pg_wal directory. The backup can " +
			"then be restored to that point even if the archive is lost; it takes the space twice.",
	},
	{
		Name: "archive-expire-before", Type: String, Section: CommandOnly, HelpGroup: "command",
		For:      "expire:main",
		Optional: true,
		Summary:  "Remove only WAL before this segment.",
		Text: "Archive retention decides as usual, but WAL from this segment on is kept even if retention would let it go. " +
			"Where the current cluster has no backup yet, the WAL before the segment is removed. The value is the full name " +
			"of a segment, 24 hexadecimal digits.",
	},
	{
		Name: "archive-get-queue-max", Type: Size, HelpGroup: "command",
		For:     "archive-get:main,async",
		Default: "128MiB", Min: "0B", Max: "4PiB",
		Summary: "Space for WAL fetched ahead.",
		Text: "When archiving is asynchronous, segments that PostgreSQL is likely to ask for next are fetched ahead into the " +
			"spool directory, up to this size. At least two segments are always fetched.",
	},
	{
		Name: "archive-header-check", Type: Boolean, HelpGroup: "maintainer",
		For:     "archive-push:main,async",
		Default: "y",
		Summary: "Check that a segment belongs to the cluster.",
		Text: "Each WAL segment carries the version and identity of the cluster that wrote it. They are compared with those of " +
			"the stanza before the segment is stored, so that a wrong configuration cannot mix WAL of two clusters. Switch " +
			"it off for PostgreSQL forks whose segments look different.",
	},
	{
		Name: "archive-missing-retry", Type: Boolean, HelpGroup: "command",
		For:     "archive-get:main",
		Default: "y",
		Summary: "Ask again for WAL that was missing earlier.",
		Text: "When archiving is asynchronous, a note that a segment does not exist may be left from an earlier run. By " +
			"default such a note is thrown away once and the repository asked again; switched off, the note is believed.",
	},
	{
		Name: "archive-mode-check", Type: Boolean, HelpGroup: "command",
		For:     "archive-push:main,async backup:main check:main",
		Default: "y",
		Depend:  Depend{Option: "archive-check", Values: []string{"y"}, Unmet: "n"},
		Summary: "Object to archive_mode=always.",
		Text: "With archive_mode=always a standby archives the same WAL as its primary, and both may push a segment at the " +
			"same moment. That is refused by default. Switch the check off if you have made sure only one of them writes to " +
			"a repository; then pushing a segment that is already there is also no longer mentioned.",
	},
	{
		Name: "archive-push-batch-size", Type: Size, HelpGroup: "command",
		For:     "archive-push:main,async",
		Default: "16GiB", Min: "1MiB", Max: "4PiB",
		Summary: "Most WAL to push in one background run.",
		Text: "When archiving is asynchronous, one background process takes on WAL up to this size before it makes room for a " +
			"fresh one.",
	},
	{
		Name: "archive-push-queue-max", Type: Size, HelpGroup: "command",
		For:      "archive-push:main,async",
		Optional: true, Min: "0B", Max: "4PiB",
		Deprecated: []OldName{{Name: "archive-queue-max", Plain: true}},
		Summary:    "Give up archiving when this much WAL waits.",
		Text: "If the archive cannot be reached, WAL piles up until the disk of the cluster is full and PostgreSQL stops. With " +
			"this option WAL is dropped instead once more than this size waits. PostgreSQL keeps running, but recovery " +
			"cannot pass the gap: take a backup soon after. Without a value nothing is ever dropped.",
	},
	{
		Name: "archive-timeout", Type: Time, HelpGroup: "command",
		For:     "archive-get:main archive-push:main backup:main check:main",
		Default: "1m", Min: "100ms", Max: "1d",
		Summary: "Longest wait for a WAL segment.",
		Text: "This is how long a backup or a check waits for a segment to appear in the archive, and how long the archive " +
			"commands wait for their background process.",
	},
	{
		Name: "spool-path", Type: Path, HelpGroup: "general",
		For:     "archive-get:main,async,local archive-push:main,async,local restore:main,local",
		Default: "/var/spool/pgbackrest",
		Except: []Exception{
			{Command: "archive-get", Depend: Depend{Option: "archive-async", Values: []string{"y"}}},
			{Command: "archive-push", Depend: Depend{Option: "archive-async", Values: []string{"y"}}},
			{Command: "restore", Internal: true},
		},
		Summary: "Directory for WAL in transit.",
		Text: "Asynchronous archiving keeps its notes and segments fetched ahead here. Losing the content is harmless. The " +
			"directory should be on a local disk, not in temporary memory and not shared with another host.",
	},
}
