package config

// Options of restore.
var restoreOptions = []Option{
	{
		Name: "archive-mode", Type: String, HelpGroup: "command",
		For:     "restore:main",
		Default: "preserve",
		Allow:   []string{"preserve", "off"},
		Summary: "Archiving after the restore.",
		Text: "With preserve the restored cluster archives WAL as the original did. With off archiving is disabled in the " +
			"recovery settings, which is right for a copy that must not write into the archive of the original. PostgreSQL " +
			"12 or newer is needed for off.",
	},
	{
		Name: "db-exclude", Type: List, HelpGroup: "command",
		For:      "restore:main",
		Optional: true,
		Summary:  "Databases to leave empty.",
		Text: "The files of these databases are restored as empty shells, which saves time and space when the rest is what you " +
			"want. Afterwards the databases cannot be used; drop them. Repeat the option for several. Recovery must reach " +
			"consistency for PostgreSQL to start.",
	},
	{
		Name: "db-include", Type: List, HelpGroup: "command",
		For:      "restore:main",
		Optional: true,
		Summary:  "Databases to restore; others stay empty.",
		Text: "Only these databases and the system's own are restored with their content. The others become empty shells that " +
			"cannot be used; drop them afterwards. Repeat the option for several.",
	},
	{
		Name: "link-all", Type: Boolean, HelpGroup: "command",
		For:     "restore:main",
		Default: "n",
		Summary: "Restore all links as links.",
		Text: "By default directories and files outside the data directory, which were linked into it, are restored inside of " +
			"it as ordinary directories and files. With this option the links are made again and the content goes to where " +
			"they lead.",
	},
	{
		Name: "link-map", Type: Hash, HelpGroup: "command",
		For:      "restore:main",
		Optional: true,
		Summary:  "Lead a link to another place.",
		Text: "The form is link=destination, with the link relative to the data directory, for example pg_wal=/fast/wal. " +
			"Repeat the option for several. The link is made even without --link-all.",
	},
	{
		Name: "recovery-option", Type: Hash, HelpGroup: "command",
		For:      "restore:main",
		Optional: true,
		Depend:   Depend{Option: "type", Values: []string{"default", "immediate", "lsn", "name", "time", "standby", "xid"}},
		Summary:  "Further recovery setting.",
		Text: "The form is key=value with the name of a PostgreSQL setting, for example primary_conninfo. Repeat the option " +
			"for several. Settings that follow from --type and --target are written by the program and need not be given.",
	},
	{
		Name: "tablespace-map", Type: Hash, HelpGroup: "command",
		For:      "restore:main",
		Optional: true,
		Summary:  "Lead a tablespace to another place.",
		Text: "The form is tablespace=path, with the name or the number of the tablespace. Repeat the option for several. " +
			"Others go back to where they were, unless tablespace-map-all is set.",
	},
	{
		Name: "tablespace-map-all", Type: String, HelpGroup: "command",
		For:      "restore:main",
		Optional: true,
		Summary:  "Lead all tablespaces to another place.",
		Text: "Each tablespace is restored into a directory of its own below this path, named like the tablespace. A place set " +
			"with tablespace-map wins.",
	},
	{
		Name: "target", Type: String, Section: CommandOnly, HelpGroup: "command",
		For:     "restore:main",
		Depend:  Depend{Option: "type", Values: []string{"lsn", "name", "time", "xid"}},
		Summary: "Where recovery stops.",
		Text: "What the target is depends on --type: the name of a restore point, a time such as 2030-01-31 12:00:00+01, a " +
			"position in the WAL, or the number of a transaction. Give times with a time zone to be safe.",
	},
	{
		Name: "target-action", Type: String, Section: CommandOnly, HelpGroup: "command",
		For:     "restore:main",
		Default: "pause",
		Allow:   []string{"pause", "promote", "shutdown"},
		Depend:  Depend{Option: "type", Values: []string{"immediate", "lsn", "name", "time", "xid"}},
		Summary: "What to do when the target is reached.",
		Text: "With pause the server can be queried to see whether the target was right, and continues when told to. With " +
			"promote it becomes a normal server at once. With shutdown it stops.",
	},
	{
		Name: "target-exclusive", Type: Boolean, Section: CommandOnly, HelpGroup: "command",
		For:     "restore:main",
		Default: "n",
		Depend:  Depend{Option: "type", Values: []string{"lsn", "time", "xid"}},
		Summary: "Stop just before the target.",
		Text: "Normally the transaction at the target is still replayed. With this option recovery stops before it, which " +
			"helps to avoid exactly the change that did the damage.",
	},
	{
		Name: "target-timeline", Type: String, Section: CommandOnly, HelpGroup: "command",
		For:      "restore:main",
		Optional: true,
		Depend:   Depend{Option: "type", Values: []string{"default", "lsn", "name", "standby", "time", "xid"}},
		Summary:  "Timeline to recover along.",
		Text: "Every recovery that ends starts a new timeline. With latest PostgreSQL follows the newest it finds in the archive, " +
			"with current it stays on that of the backup, and a number names one. Without the option PostgreSQL decides: the " +
			"newest since version 12. In the wrong timeline a target may never come by.",
	},
}
