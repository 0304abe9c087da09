package config

// Options of single commands, given on the command line.
var commandOptions = []Option{
	{
		Name: "detail-level", Type: String, Section: CommandOnly, HelpGroup: "command",
		For:     "info:main",
		Default: "full",
		Allow:   []string{"full", "progress"},
		Summary: "How much to report.",
		Text: "The value full shows everything. With progress only the state of the stanza and of what is running on it is " +
			"shown; this reads very little and suits frequent polling.",
	},
	{
		Name: "dry-run", Type: Boolean, Section: CommandOnly, HelpGroup: "general",
		For:     "expire:main",
		Default: "n",
		Summary: "Show what would be done without doing it.",
		Text:    "Everything is decided and logged as usual, marked as a dry run, and nothing is removed.",
	},
	{
		Name: "filter", Type: String, Section: CommandOnly, HelpGroup: "command",
		For:      "manifest:main repo-ls:main",
		Optional: true,
		Except: []Exception{
			{
				Command: "manifest",
				Summary: "Show only one file.",
				Text:    "This is the name of a file as the manifest has it, for example pg_data/PG_VERSION.",
			},
			{
				Command: "repo-ls",
				Summary: "List only names that match an expression.",
				Text: "This is a POSIX extended regular expression that is compared with the path of each file below the listed " +
					"directory. For example \\.gz$ lists compressed files.",
			},
		},
		Summary: "Show only what matches.",
		Text:    "What does not match is left out of the listing.",
	},
	{
		Name: "help", Type: Boolean, Section: CommandOnly, HelpGroup: "command",
		For:     "help",
		Default: "n",
		Summary: "Explain commands and options.",
		Text:    "This does the same as the command help.",
	},
	{
		Name: "ignore-missing", Type: Boolean, Section: CommandOnly, HelpGroup: "command",
		For:     "repo-get:main",
		Default: "n",
		Summary: "Do not fail if the file is missing.",
		Text: "A missing file normally ends in an error. With this option the command writes nothing and ends with exit status " +
			"1.",
	},
	{
		Name: "oldest", Type: Boolean, Section: CommandOnly, HelpGroup: "command",
		For:     "expire:main",
		Default: "n",
		Except: []Exception{
			{Command: "expire", Depend: Depend{Option: "stanza"}},
		},
		Summary: "Remove the oldest full backup and what depends on it.",
		Text: "This frees space in a hurry: for this run one full backup less is kept than there is, whatever retention says. " +
			"The oldest goes, with all differential and incremental backups on top of it and the WAL only they needed. A " +
			"single full backup always stays.",
	},
	{
		Name: "output", Type: String, Section: CommandOnly, HelpGroup: "command",
		For:     "info:main manifest:main repo-ls:main verify:main version",
		Default: "text",
		Allow:   []string{"text", "json"},
		Except: []Exception{
			{
				Command: "info",
				Summary: "Form of the output.",
				Text: "The value text is for people and may change from version to version. The value json gives everything that is " +
					"known, in a form that stays stable.",
			},
			{
				Command: "repo-ls",
				Summary: "Form of the output.",
				Text: "The value text lists one name per line. The value json gives the type of each entry as well, the size and time " +
					"of files, and where links lead.",
			},
			{
				Command: "verify", Default: "none", Allow: []string{"none", "text"},
				Summary: "Form of the result.",
				Text:    "With text the result is printed besides being logged. With none it is only logged.",
			},
			{
				Command: "version", Default: "text", Allow: []string{"text", "num"},
				Summary: "Form of the version.",
				Text: "The value text is a line for people. The value num gives one number, which grows with every version: the parts " +
					"of the version with three digits each for the second and the third.",
			},
		},
		Summary: "Form of the output.",
		Text:    "The value text is for people and json for programs.",
	},
	{
		Name: "raw", Type: Boolean, Section: CommandOnly, HelpGroup: "general",
		For:     "repo-get:main",
		Default: "n",
		Summary: "Leave the content as it is stored.",
		Text: "Files of an encrypted repository are normally decrypted before they are written out. This option switches that " +
			"off.",
	},
	{
		Name: "recurse", Type: Boolean, Section: CommandOnly, HelpGroup: "command",
		For:     "repo-ls:main repo-rm:main",
		Default: "n",
		Except: []Exception{
			{
				Command: "repo-ls",
				Summary: "List subdirectories as well.",
				Text:    "Directories are followed all the way down, and names are shown relative to the path being listed.",
			},
			{
				Command: "repo-rm",
				Summary: "Remove a directory with its content.",
				Text:    "Without this option directories that are not empty are refused.",
			},
		},
		Summary: "Include everything below the path.",
		Text:    "Directories are followed all the way down.",
	},
	{
		Name: "reference", Type: String, Section: CommandOnly, HelpGroup: "command",
		For:      "manifest:main",
		Optional: true,
		Summary:  "Show only files stored by one backup.",
		Text: "Differential and incremental backups refer to files in earlier backups. The label of a backup limits the list " +
			"to files that are stored there; latest means the backup itself.",
	},
	{
		Name: "report", Type: Boolean, Section: CommandOnly,
		For:     "check:main",
		Default: "n", Internal: true,
		Summary: "Print configuration and environment instead of checking.",
		Text:    "The report is JSON and meant for questions to those who maintain the program. Secret values are left out.",
	},
	{
		Name: "set", Type: String, Section: CommandOnly, HelpGroup: "command",
		For:      "annotate:main expire:main info:main manifest:main restore:main verify:main",
		Optional: true,
		Except: []Exception{
			{
				Command: "annotate", Required: true,
				Summary: "Backup to annotate.",
				Text:    "This is the label of the backup, as shown by info.",
			},
			{
				Command: "expire",
				Summary: "Backup to remove.",
				Text: "The backup with this label is removed with all backups that depend on it, whatever retention says. WAL is then " +
					"removed by the usual rules. A full backup that is the only one of its cluster in the repository is refused; " +
					"take another one first.",
			},
			{
				Command: "info", Depend: Depend{Option: "stanza"},
				Summary: "Backup to show in detail.",
				Text:    "For the backup with this label the databases, links, tablespaces, page errors and annotations are shown as well.",
			},
			{
				Command: "manifest", Required: true, Default: "latest",
				Summary: "Backup whose manifest to show.",
				Text:    "This is the label of the backup, or latest for the newest one.",
			},
			{
				Command: "restore", Required: true, Default: "latest",
				Summary: "Backup to restore.",
				Text: "Normally the newest backup that lies before the target is chosen, or the newest of all when there is no target. " +
					"Give a label, as shown by info, to take that backup instead.",
			},
			{
				Command: "verify",
				Summary: "Backup to verify.",
				Text: "Only the backup with this label, and the WAL that makes it consistent, is read. Otherwise everything in the " +
					"stanza is.",
			},
		},
		Summary: "Backup to work on.",
		Text:    "A backup is named by its label, as shown by info.",
	},
	{
		Name: "sort", Type: String, Section: CommandOnly, HelpGroup: "command",
		For:     "repo-ls:main",
		Default: "asc",
		Allow:   []string{"none", "asc", "desc"},
		Summary: "Order of the list.",
		Text: "Names are listed in ascending or descending order, or with none in the order in which the storage delivers " +
			"them, which for huge directories saves memory.",
	},
	{
		Name: "verbose", Type: Boolean, Section: CommandOnly, HelpGroup: "command",
		For:     "verify:main",
		Default: "n",
		Summary: "Report good results too.",
		Text:    "Normally the result mentions only what is wrong. With this option every backup and WAL range is reported.",
	},
	{
		Name: "version", Type: Boolean, Section: CommandOnly, HelpGroup: "command",
		For:     "help",
		Default: "n",
		Summary: "Show the version of the program.",
		Text:    "This does the same as the command version.",
	},
}
