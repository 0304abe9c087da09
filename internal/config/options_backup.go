package config

// Options of backup and of what is written by it.
var backupOptions = []Option{
	{
		Name: "annotation", Type: Hash, HelpGroup: "command",
		For:      "annotate:main backup:main",
		Optional: true,
		Except: []Exception{
			{
				Command: "annotate", Required: true,
				Summary: "Note to set or remove.",
				Text: "Each annotation has the form key=value; repeat the option for several. The value replaces an earlier one of the " +
					"same key; an empty value removes the key.",
			},
		},
		Summary: "Note to keep with the backup.",
		Text: "Each annotation has the form key=value; repeat the option for several. Annotations are shown by info and have " +
			"no effect on anything else.",
	},
	{
		Name: "backup-standby", Type: String, HelpGroup: "command",
		For:     "backup:main check:main",
		Default: "n", BoolLike: true,
		Allow:   []string{"n", "prefer", "y"},
		Summary: "Copy files from a standby.",
		Text: "The backup is begun on the primary, but most files are read from a standby, which spares the primary the load. " +
			"With y a standby is required; with prefer the primary is used if there is none; with n the primary does " +
			"everything. Both servers must be configured.",
	},
	{
		Name: "checksum-page", Type: Boolean, HelpGroup: "command",
		For:      "backup:main",
		Optional: true,
		Summary:  "Verify the checksums of data pages.",
		Text: "If the cluster keeps checksums in its data pages, each page is verified while it is copied. Pages with errors " +
			"are listed in the manifest and in the log; the backup continues, because a backup with a bad page is better " +
			"than none. Without a setting this is done whenever the cluster has checksums.",
	},
	{
		Name: "checksum-page-error", Type: Boolean, HelpGroup: "command",
		For:     "backup:main expire:main restore:main",
		Default: "n",
		Summary: "Treat wrong page checksums as an error.",
		Text: "A page whose checksum is wrong is normally only reported while a backup is made. With this option the backup fails, " +
			"if pages are checked at all.",
		Except: []Exception{
			{
				Command: "expire", Default: "y",
				Text: "A backup in which pages with wrong checksums were found should not become the oldest one, because good copies of " +
					"those pages may exist only in the backups before it. With this option such an expiry fails before anything is " +
					"removed. Without it, and when a backup is expired by name, there is only a warning.",
			},
			{
				Command: "restore", Default: "y",
				Text: "Some files of a backup may have pages that were damaged already when the backup was made. With this option " +
					"the restore fails when it meets such a file. Without it there is a warning for each of them.",
			},
		},
	},
	{
		Name: "compress", Type: Boolean, HelpGroup: "general",
		For:     "archive-push:main backup:main",
		Default: "y",
		Summary: "Compress files, in the old way of saying it.",
		Text:    "The option compress-type has taken its place: setting compress to n means compress-type=none.",
	},
	{
		Name: "compress-level", Type: Integer, HelpGroup: "general",
		For:      "archive-push:main,async backup:main",
		Optional: true,
		By:       "compress-type",
		Cases: []Case{
			{Value: "bz2", Default: "9", Min: "1", Max: "9"},
			{Value: "gz", Default: "6", Min: "-1", Max: "9"},
			{Value: "lz4", Default: "1", Min: "-5", Max: "12"},
			{Value: "zst", Default: "3", Min: "-7", Max: "22"},
		},
		Depend:  Depend{Option: "compress-type", Values: []string{"bz2", "gz", "lz4", "zst"}, Unmet: "0"},
		Summary: "How hard to compress.",
		Text: "Higher levels make smaller files and take more time; how much depends on the type. The range and the default " +
			"are those of the type set with compress-type.",
	},
	{
		Name: "compress-type", Type: String, HelpGroup: "general",
		For:     "archive-push:main,async backup:main",
		Default: "gz",
		Allow:   []string{"none", "bz2", "gz", "lz4", "zst"},
		Summary: "How to compress.",
		Text: "The values in order of speed are about lz4, zst, gz, bz2; the size of the result tends to fall in the same " +
			"order, with zst near gz or better. The value none stores files as they are. The type can be changed at any " +
			"time: what is stored already keeps its own.",
	},
	{
		Name: "delta", Type: Boolean, HelpGroup: "general",
		For:     "backup:main restore:main",
		Default: "n",
		Except: []Exception{
			{
				Command: "backup",
				Summary: "Use checksums to find what has changed.",
				Text: "Normally a differential or incremental backup takes a file as unchanged if its size and time are the same. With " +
					"this option the checksum decides, which means reading every file but is right even if times cannot be trusted. " +
					"It is switched on by itself after events that call for it, such as a change of timeline.",
			},
			{
				Command: "restore",
				Summary: "Keep what is in the data directory already.",
				Text: "The data directory need not be empty. Each file found is compared with the backup by checksum; equal files " +
					"stay, others are replaced, and files that are not in the backup are removed. After a failure this is much " +
					"faster than starting from nothing.",
			},
		},
		Summary: "Use checksums to find what has changed.",
		Text:    "Files are compared by content and not just by size and time.",
	},
	{
		Name: "exclude", Type: List, HelpGroup: "command",
		For:      "backup:main",
		Optional: true,
		Summary:  "Files and directories to leave out.",
		Text: "The value is a path relative to the data directory; with a slash at the end the directory is kept but not what " +
			"is in it. Repeat the option for several. PostgreSQL knows nothing of this: leave out only what is certainly not " +
			"part of the database, such as tools' own files.",
	},
	{
		Name: "expire-auto", Type: Boolean, HelpGroup: "command",
		For:     "backup:main",
		Default: "y",
		Summary: "Expire after the backup.",
		Text: "When the backup has succeeded, backups and WAL beyond retention are removed right away. Switch this off to run " +
			"the expire command at a time of your choosing.",
	},
	{
		Name: "force", Type: Boolean, Section: CommandOnly, HelpGroup: "command",
		For:     "backup:main restore:main stanza-create:main stanza-delete:main stop",
		Default: "n",
		Except: []Exception{
			{
				Command: "backup", Depend: Depend{Option: "online", Values: []string{"n"}},
				Summary: "Take an offline backup even though PostgreSQL seems to run.",
				Text: "With --no-online the cluster must be stopped, which is judged by the file postmaster.pid. This option ignores " +
					"the file. If PostgreSQL really runs, the backup is worthless.",
			},
			{
				Command: "restore",
				Summary: "Overwrite a data directory that is not empty.",
				Text: "Everything from the backup is written anew and what does not belong is removed. With --delta only size and time " +
					"of files are compared instead of their checksums. As a safeguard, --force and --delta have effect only on " +
					"directories that look like a cluster or hold the manifest of an interrupted restore.",
			},
			{
				Command: "stanza-create", Internal: true,
				Summary: "Has no effect any more.",
				Text:    "The option is accepted so that old scripts keep working.",
			},
			{
				Command: "stanza-delete",
				Summary: "Delete even though PostgreSQL runs.",
				Text: "Deleting the backups of a running cluster is refused, because that is rarely meant. This option does it all the " +
					"same.",
			},
			{
				Command: "stop",
				Summary: "End commands that are running.",
				Text: "Processes that hold locks of the stanza, or of all stanzas, are sent a termination signal. Without this option " +
					"they finish their work.",
			},
		},
		Summary: "Go on where a check would stop.",
		Text:    "The check is explained with each command.",
	},
	{
		Name: "manifest-save-threshold", Type: Size, HelpGroup: "command",
		For:     "backup:main",
		Default: "1GiB", Min: "1B", Max: "1TiB",
		Summary: "How often to save progress.",
		Text: "During a backup the list of what is done is saved after every one percent, or after this much data if that is " +
			"more. A backup that is interrupted can be resumed from there.",
	},
	{
		Name: "online", Type: Boolean, Section: CommandOnly, HelpGroup: "command",
		For:     "backup:main stanza-create:main stanza-upgrade:main",
		Default: "y", CanNegate: true,
		Except: []Exception{
			{
				Command: "stanza-create",
				Summary: "Ask the running server about the cluster.",
				Text: "With --no-online identity and version are read from the files of the cluster alone, so PostgreSQL need not be " +
					"running.",
			},
			{
				Command: "stanza-upgrade",
				Summary: "Ask the running server about the cluster.",
				Text: "With --no-online identity and version are read from the files of the cluster alone, so PostgreSQL need not be " +
					"running.",
			},
		},
		Summary: "PostgreSQL is running and takes part.",
		Text: "Normally the server is told about the backup so that it can be taken while the server runs. With --no-online " +
			"the server is not contacted and must be stopped; WAL is then taken from the data directory.",
	},
	{
		Name: "page-header-check", Type: Boolean, HelpGroup: "maintainer",
		For:     "backup:main",
		Default: "y",
		Summary: "Look into page headers when verifying pages.",
		Text: "The header tells new pages from damaged ones. Forks of PostgreSQL that encrypt pages have unreadable headers; " +
			"switch the check off for them.",
	},
	{
		Name: "resume", Type: Boolean, HelpGroup: "command",
		For:     "backup:main",
		Default: "y",
		Summary: "Continue an interrupted backup.",
		Text: "If the last backup did not finish, files it has stored already are checked by checksum and kept. Switched off, " +
			"such leftovers are removed and the backup starts from nothing.",
	},
	{
		Name: "start-fast", Type: Boolean, HelpGroup: "command",
		For:     "backup:main",
		Default: "n",
		Summary: "Begin with an immediate checkpoint.",
		Text: "A backup can begin only after a checkpoint. By default PostgreSQL spreads it out to save input and output, " +
			"which may take minutes. With this option it is done as fast as possible.",
	},
	{
		Name: "stop-auto", Type: Boolean,
		For:     "backup:main",
		Default: "n", Internal: true,
		Summary: "End a backup someone left open.",
		Text:    "This applied to versions of PostgreSQL in which only one backup could be open. No supported version needs it.",
	},
	{
		Name: "type", Type: String, Section: CommandOnly, HelpGroup: "command",
		For: "backup:main info:main restore:main",
		Except: []Exception{
			{
				Command: "backup", Default: "incr", Allow: []string{"full", "diff", "incr"},
				Summary: "Type of the backup.",
				Text: "A full backup copies everything. A diff copies what changed since the last full backup, an incr what changed " +
					"since the last backup of any type. If there is nothing to build on, a full backup is made and a warning given.",
			},
			{
				Command: "info", Optional: true, Allow: []string{"full", "diff", "incr"},
				Summary: "Show only backups of one type.",
				Text:    "Backups are full, diff or incr. Without this option all are shown.",
			},
			{
				Command: "restore", Default: "default", Allow: []string{"default", "preserve", "immediate", "standby", "none", "name", "time", "lsn", "xid"},
				Summary: "How far to recover.",
				Text: "After the files are restored PostgreSQL replays WAL. The type says to where: default to the end of the archive; " +
					"immediate only until the backup is consistent; name to a restore point; time, lsn or xid to a moment, a " +
					"position or a transaction given with --target. With standby the cluster becomes a standby and follows its " +
					"primary. With preserve the recovery settings in the backup stay as they are, and with none no recovery is set " +
					"up at all; a backup taken online then will not start without further work.",
			},
		},
		Summary: "Kind of operation.",
		Text:    "The values are explained with each command.",
	},
}
