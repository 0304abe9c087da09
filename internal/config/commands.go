package config

// The command lists that many options share.
const (
	// Commands that open a repository, in all roles.
	forRepo = "annotate archive-get archive-push backup check expire info manifest repo-get repo-ls repo-rm restore " +
		"stanza-create stanza-delete stanza-upgrade verify"

	// Commands that can reach a repository host; processes on that host do not go further.
	forRepoHost = "annotate:main archive-get:main,async,local archive-push:main,async,local backup:main,local check:main " +
		"expire:main info:main manifest:main repo-get:main repo-ls:main repo-rm:main restore:main,local " +
		"stanza-create:main stanza-delete:main stanza-upgrade:main verify:main,local"

	// Every command that does something.
	forAll = "annotate archive-get archive-push backup check expire info manifest repo-get repo-ls repo-rm restore " +
		"server server-ping stanza-create stanza-delete stanza-upgrade start stop verify"

	// Every command that reads or writes other than through lock files.
	forIO = "annotate archive-get archive-push backup check expire info manifest repo-get repo-ls repo-rm restore " +
		"server server-ping stanza-create stanza-delete stanza-upgrade verify"

	// Commands that can reach a PostgreSQL host.
	forPgHost = "backup:main,local check:main manifest:main stanza-create:main stanza-delete:main stanza-upgrade:main"

	// Commands that need to know whether PostgreSQL is on another host.
	forPgLocal = "archive-get:main,async,local archive-push:main,async,local backup:main,local check:main manifest:main " +
		"restore:main,local stanza-create:main stanza-delete:main stanza-upgrade:main"

	// Commands that talk to PostgreSQL.
	forPg = "backup check stanza-create stanza-delete stanza-upgrade"

	// Commands that apply retention.
	forRetention = "backup:main expire:main"

	// Commands that hand work to other processes.
	forWorkers = "archive-get:main,async,local archive-push:main,async,local backup:main,local restore:main,local " +
		"verify:main,local"

	// Processes started by other processes.
	forChildren = "annotate:remote archive-get:local,remote archive-push:local,remote backup:local,remote check:remote " +
		"expire:remote info:remote manifest:remote repo-get:remote repo-ls:remote repo-rm:remote " +
		"restore:local,remote stanza-create:remote stanza-delete:remote stanza-upgrade:remote verify:local,remote"
)

// commands are all commands, in alphabetical order.
var commands = []CommandInfo{
	{
		Name: "annotate", Roles: "main,remote", Lock: "backup", LockMain: true, LockRemote: true,
		LogLevel: "info",
		Summary:  "Change the annotations of a backup.",
		Text: "Annotations are notes on a backup in the form key=value, such as a ticket number or the reason it was taken. " +
			"They are shown by info and have no effect on anything else. The backup is named with --set; every --annotation " +
			"adds or replaces one key, and a key with an empty value is removed. Without --repo the backup is looked for in " +
			"all repositories.",
	},
	{
		Name: "archive-get", Roles: "main,async,local,remote", Lock: "archive",
		LogLevel: "info", Parameters: true,
		Summary: "Fetch a WAL segment from the archive.",
		Text: "PostgreSQL calls this command through restore_command when it replays WAL. The first parameter is the name of " +
			"the segment or history file (%f), the second the path to write it to (%p). Repositories are asked in the order " +
			"of their number until one has the file.\n\n" +
			"The exit status is 0 when the file was delivered and 1 when no repository has it, which tells PostgreSQL that " +
			"it has reached the end of the archive. Anything else is an error, and PostgreSQL will try again.",
	},
	{
		Name: "archive-push", Roles: "main,async,local,remote", Lock: "archive", LockRemote: true,
		LogLevel: "info", Parameters: true,
		Summary: "Store a WAL segment in the archive.",
		Text: "PostgreSQL calls this command through archive_command each time it has finished a WAL segment; the parameter is " +
			"the path of the segment (%p). The segment is checked against the stanza, compressed, encrypted if the " +
			"repository is, and stored in every repository. Exit status 0 promises PostgreSQL that it may recycle the " +
			"segment, so it is given only when the segment is safe everywhere.\n\n" +
			"Pushing the same segment twice is harmless. Pushing a different segment under a name that is already taken is " +
			"an error.",
	},
	{
		Name: "backup", Roles: "main,local,remote", Lock: "backup", LockMain: true, LockRemote: true,
		LogLevel: "info", LogFile: true,
		Summary: "Back up a cluster.",
		Text: "PostgreSQL keeps running during a backup. A full backup holds every file; a differential backup only what " +
			"changed since the last full backup; an incremental backup only what changed since the last backup of any type. " +
			"Which one is made is decided by --type; where there is no full backup yet, one is made whatever the type.\n\n" +
			"While files are copied their checksums are computed and the checksums of data pages are verified. The backup " +
			"counts only when all WAL needed to make it consistent is in the archive. Afterwards old backups are removed as " +
			"retention allows; see expire.",
	},
	{
		Name: "check", Roles: "main,remote", Lock: "none",
		LogLevel: "info",
		Summary:  "Test that a stanza is ready for use.",
		Text: "The configuration is read, PostgreSQL is asked for its version and settings, and these are compared with what " +
			"the repositories have recorded. Then PostgreSQL is told to switch to a new WAL segment and the command waits " +
			"for the old one to arrive in every repository. That proves that archiving works from end to end.\n\n" +
			"Run it after stanza-create, after every change of the configuration, and whenever monitoring needs a yes or no.",
	},
	{
		Name: "demo", Extension: true, Roles: "main", Lock: "none",
		LogLevel: "debug", Bare: true,
		Summary: "See a backup and a recovery happen, with nothing configured.",
		Text: "The demonstration builds a throw-away PostgreSQL cluster and a repository in a temporary directory. It archives " +
			"WAL, takes a full and an incremental backup while rows are being written, drops a table, restores the cluster " +
			"to the moment before, starts it and counts the rows. What each step proves is said in plain words, and " +
			"everything is removed at the end.\n\n" +
			"Your own clusters and repositories are not touched, and configuration files and environment variables are not " +
			"read.",
	},
	{
		Name: "expire", Roles: "main,remote", Lock: "backup", LockMain: true, LockRemote: true,
		LogLevel: "info", LogFile: true,
		Summary: "Remove backups and WAL that retention no longer needs.",
		Text: "How much to keep is said per repository by the repo-retention options. Full and differential backups are " +
			"counted or measured by age; what depends on a removed backup goes with it. WAL is kept as far as the remaining " +
			"backups need it: completely from the oldest backup that archive retention counts, and for backups before that " +
			"just what makes them consistent.\n\n" +
			"The backup command runs this by itself when it has succeeded. Running it by hand helps after retention was " +
			"lowered, and with --dry-run shows what would go.",
	},
	{
		Name: "help", Roles: "main", Lock: "none",
		LogLevel: "debug", Parameters: true, Bare: true,
		Summary: "Explain commands and options.",
		Text: "Without a parameter all commands are listed. With the name of a command its purpose and options are shown, " +
			"together with the values the current configuration gives them. With the name of an option in addition, that " +
			"option is explained.",
	},
	{
		Name: "info", Roles: "main,remote", Lock: "none",
		LogLevel: "debug",
		Summary:  "Show backups and archived WAL.",
		Text: "For every stanza the list of backups with their times, sizes, WAL ranges and database versions is shown, plus " +
			"the range of archived WAL. With --stanza only that one is shown, and with --set in addition the details of one " +
			"backup.\n\n" +
			"Text is for reading; use --output=json for programs, since the text may change. The exit status is 0 even when " +
			"a stanza is in a bad state: the state is part of the output.",
	},
	{
		Name: "manifest", Internal: true, Roles: "main,remote", Lock: "none",
		LogLevel: "debug",
		Summary:  "Show the manifest of a backup.",
		Text: "The manifest lists every file of a backup with its size, checksum and owner, and where in the repository it is " +
			"stored. With options for a cluster path the listing can be compared with the files of a running cluster.",
	},
	{
		Name: "repo-get", Roles: "main,remote", Lock: "none",
		LogLevel: "debug", Parameters: true,
		Summary: "Write a file of a repository to standard output.",
		Text: "The parameter is the path of the file, relative to the repository or absolute within it. Encrypted files are " +
			"decrypted; compressed files stay compressed. The command is meant for looking into a repository without knowing " +
			"how it is stored.",
	},
	{
		Name: "repo-ls", Roles: "main,remote", Lock: "none",
		LogLevel: "debug", Parameters: true,
		Summary: "List files of a repository.",
		Text: "The parameter is a path in the repository, relative or absolute within it; without one the top of the " +
			"repository is listed. The command works the same for all kinds of storage.",
	},
	{
		Name: "repo-rm", Internal: true, Roles: "main,remote", Lock: "none",
		LogLevel: "debug", Parameters: true,
		Summary: "Remove files from a repository.",
		Text: "The parameter is a path in the repository, relative or absolute within it. A file is removed at once; a " +
			"directory that is not empty only with --recurse. Nothing is checked: removing parts of a backup or of the " +
			"archive breaks what depends on them.",
	},
	{
		Name: "restore", Roles: "main,local,remote", Lock: "restore", LockMain: true,
		LogLevel: "info", LogFile: true,
		Summary: "Bring a cluster back from a backup.",
		Text: "The files of a backup are written to the data directory, and PostgreSQL is told how to replay WAL from the " +
			"archive, as far as --type and --target say. Unless --set names a backup, the newest one that fits the target is " +
			"taken.\n\n" +
			"The data directory must be empty, or --delta must be given, which replaces only what differs. PostgreSQL must " +
			"not be running. The control file is written last, so that a cluster whose restore was interrupted does not " +
			"start by accident.",
	},
	{
		Name: "server", Roles: "main", Lock: "none",
		LogLevel: "info", LogFile: true,
		Summary: "Serve other hosts over TLS.",
		Text: "The server accepts connections from other hosts and works for them as if they had logged in over ssh: it reads " +
			"and writes repositories, or the files of a cluster, on this host. Clients prove who they are with certificates, " +
			"and each may be limited to certain stanzas.",
	},
	{
		Name: "server-ping", Roles: "main", Lock: "none",
		LogLevel: "info", Parameters: true,
		Summary: "Ask whether a server answers.",
		Text: "A connection to the server is opened over TLS and closed again once the server has answered. No certificate is " +
			"needed. The parameter is the host to ask; without it the address the server is configured to listen on is used.",
	},
	{
		Name: "stanza-create", Roles: "main,remote", Lock: "all", LockMain: true, LockRemote: true,
		LogLevel: "info", LogFile: true,
		Summary: "Prepare the repositories for a cluster.",
		Text: "A stanza is the name under which a cluster, its backups and its WAL are known. This command records the " +
			"identity and version of the cluster in every repository, so that backups and WAL of another cluster cannot be " +
			"mixed in by mistake. It is needed once, before the first backup and before archiving can work, and is harmless " +
			"when repeated.",
	},
	{
		Name: "stanza-delete", Roles: "main,remote", Lock: "all", LockMain: true, LockRemote: true,
		LogLevel: "info", LogFile: true,
		Summary: "Remove a stanza with all its backups and WAL.",
		Text: "Everything the repository holds for the stanza is removed for good. As a safeguard PostgreSQL must be stopped " +
			"and the stop command must have been run for the stanza. Where there are several repositories, --repo must say " +
			"which one is meant.",
	},
	{
		Name: "stanza-upgrade", Roles: "main,remote", Lock: "all", LockMain: true, LockRemote: true,
		LogLevel: "info", LogFile: true,
		Summary: "Tell the repositories about a new version of a cluster.",
		Text: "After pg_upgrade the cluster has a new version and a new identity. This command records them in every " +
			"repository; backups and WAL from before remain restorable. Run it once PostgreSQL and the configuration point " +
			"to the new cluster. It is harmless when there is nothing to do.",
	},
	{
		Name: "start", Roles: "main", Lock: "none",
		LogLevel: "info", LogFile: true,
		Summary: "Allow commands to run again.",
		Text: "This undoes the stop command. A stop for one stanza is undone with --stanza, a stop for all stanzas without it; " +
			"the one does not undo the other.",
	},
	{
		Name: "stop", Roles: "main", Lock: "none",
		LogLevel: "info", LogFile: true,
		Summary: "Keep commands from running.",
		Text: "Backups, expiry, archiving and everything else that writes to a repository refuse to start until the start " +
			"command is given. With --stanza just that stanza is stopped. What is already running continues, unless --force " +
			"is given.\n\n" +
			"While stopped, PostgreSQL keeps its WAL, so watch the space for it.",
	},
	{
		Name: "verify", Roles: "main,local,remote", Lock: "none",
		LogLevel: "info", LogFile: true,
		Summary: "Read the repository back and check it.",
		Text: "Every backup and every WAL segment of the stanza is read, decrypted and decompressed, and its checksum compared " +
			"with what was recorded. Missing segments are found as well. The result is a summary of what is good and a list " +
			"of what is not. PostgreSQL is not involved.",
	},
	{
		Name: "version", Roles: "main", Lock: "none",
		LogLevel: "debug", Bare: true,
		Summary: "Show the version of the program.",
		Text:    "The output is one line of text, or with --output=num a number that scripts can compare.",
	},
}
