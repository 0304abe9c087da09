package config

// Options every command shares.
var generalOptions = []Option{
	{
		Name: "allow-root", Type: Boolean, HelpGroup: "general",
		For:     forAll,
		Default: "n",
		Except: []Exception{
			{Command: "restore", Default: "y"},
		},
		Summary: "Permit running as root.",
		Text: "Files created by root can be unreadable for the account that normally runs the program, so that later commands " +
			"fail. For that reason root is turned away. Set this option where running as root is really wanted, for example " +
			"in a container. Restore permits root by default, since restoring owners requires it.",
	},
	{
		Name: "beta", Type: Boolean,
		For:     forAll,
		Default: "n", Internal: true, Beta: true,
		Summary: "Permit features that are not finished.",
		Text: "Options for unfinished features are rejected unless this option is given too, so that nobody comes to depend on " +
			"them by accident.",
	},
	{
		Name: "buffer-size", Type: Size, HelpGroup: "general",
		For:     forIO,
		Default: "1MiB",
		Allow:   []string{"16KiB", "32KiB", "64KiB", "128KiB", "256KiB", "512KiB", "1MiB", "2MiB", "4MiB", "8MiB", "16MiB"},
		Summary: "Size of the buffers for reading and writing.",
		Text: "Files and network connections are read and written in pieces of this size. Larger buffers can speed up copying " +
			"a little and cost memory: each process holds several of them.",
	},
	{
		Name: "config", Type: String, Section: CommandOnly, HelpGroup: "general",
		For:     forAll,
		Default: "/etc/pgbackrest/pgbackrest.conf", CanNegate: true,
		Summary: "Configuration file.",
		Text: "Normally the file is looked for in its usual place, and files in the include directory are read as well. If " +
			"this option names a file, it must exist, and the include directory is not read unless one is named too. With " +
			"--no-config no file is read.",
	},
	{
		Name: "config-include-path", Type: Path, Section: CommandOnly, HelpGroup: "general",
		For:     forAll,
		Default: "/etc/pgbackrest/conf.d",
		Summary: "Directory with further configuration files.",
		Text: "All files in the directory whose names end in .conf are read in the order of their names, after the main file. " +
			"Together they count as one file, so an option may not be set twice in the same section. A directory named with " +
			"this option must exist.",
	},
	{
		Name: "config-path", Type: Path, Section: CommandOnly, HelpGroup: "general",
		For:     forAll,
		Default: "/etc/pgbackrest",
		Summary: "Directory in which configuration is looked for.",
		Text: "This moves the places where the main file and the include directory are expected: the file pgbackrest.conf and " +
			"the directory conf.d below this path. The more particular options config and config-include-path win over it.",
	},
	{
		Name: "exec-id", Type: String, Section: CommandOnly,
		For:      forAll,
		Optional: true, Internal: true,
		Summary: "Number of this run.",
		Text: "Processes that belong together share a number, by which they recognise each other's locks and by which log " +
			"lines can be matched.",
	},
	{
		Name: "lock", Type: List, Section: CommandOnly,
		For: "annotate:remote archive-push:remote backup:remote expire:remote stanza-create:remote " +
			"stanza-delete:remote stanza-upgrade:remote",
		Optional: true, Internal: true,
		Summary: "Lock files the parent holds.",
		Text:    "A process on another host takes the locks its parent names here, so that both hosts know about the run.",
	},
	{
		Name: "lock-path", Type: Path, HelpGroup: "general",
		For: "annotate archive-get archive-push backup expire info restore stanza-create stanza-delete " +
			"stanza-upgrade start stop",
		Default: "/tmp/pgbackrest",
		Summary: "Directory for lock files.",
		Text: "Lock files keep two commands from changing the same stanza at once, and tell info what is running. Stop files " +
			"are kept here as well. All commands for a stanza on one host must use the same directory.",
	},
	{
		Name: "neutral-umask", Type: Boolean, HelpGroup: "general",
		For: "annotate archive-get archive-push backup check expire repo-get repo-ls repo-rm restore " +
			"stanza-create stanza-delete stanza-upgrade start stop verify",
		Default: "y",
		Summary: "Ignore the umask of the calling shell.",
		Text: "Files and directories of a repository get their modes from the program, so that several accounts can work " +
			"together regardless of how each was started. When this option is off the umask takes bits away as usual.",
	},
	{
		Name: "priority", Type: Integer, HelpGroup: "general",
		For:      forAll,
		Optional: true, Min: "-20", Max: "19",
		Summary: "Scheduling priority of the process.",
		Text: "This is the nice value, from -20 for the most eager to 19 for the most yielding. Raise it to leave more " +
			"processor time to PostgreSQL. Lowering it needs privileges.",
	},
	{
		Name: "stanza", Type: String, Section: CommandOnly, HelpGroup: "general",
		For: "annotate archive-get archive-push backup check expire info manifest repo-get repo-ls repo-rm " +
			"restore stanza-create stanza-delete stanza-upgrade start stop verify",
		Except: []Exception{
			{Command: "check", Optional: true},
			{Command: "info", Optional: true},
			{Command: "repo-get", Optional: true, Internal: true},
			{Command: "repo-ls", Optional: true, Internal: true},
			{Command: "repo-rm", Optional: true, Internal: true},
			{Command: "start", Optional: true},
			{Command: "stop", Optional: true},
		},
		Summary: "Name of the cluster's backups.",
		Text: "A stanza is the name under which the backups and WAL of one cluster are kept, and the name of the section in " +
			"the configuration file that describes where the cluster is. Choose it for what the cluster does, for example " +
			"main or billing.",
	},
}
