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
	},
	{
		Name: "archive-get", Roles: "main,async,local,remote", Lock: "archive",
		LogLevel: "info", Parameters: true,
	},
	{
		Name: "archive-push", Roles: "main,async,local,remote", Lock: "archive", LockRemote: true,
		LogLevel: "info", Parameters: true,
	},
	{
		Name: "backup", Roles: "main,local,remote", Lock: "backup", LockMain: true, LockRemote: true,
		LogLevel: "info", LogFile: true,
	},
	{
		Name: "check", Roles: "main,remote", Lock: "none",
		LogLevel: "info",
	},
	{
		Name: "demo", Extension: true, Roles: "main", Lock: "none",
		LogLevel: "debug", Bare: true,
	},
	{
		Name: "expire", Roles: "main,remote", Lock: "backup", LockMain: true, LockRemote: true,
		LogLevel: "info", LogFile: true,
	},
	{
		Name: "help", Roles: "main", Lock: "none",
		LogLevel: "debug", Parameters: true, Bare: true,
	},
	{
		Name: "info", Roles: "main,remote", Lock: "none",
		LogLevel: "debug",
	},
	{
		Name: "manifest", Internal: true, Roles: "main,remote", Lock: "none",
		LogLevel: "debug",
	},
	{
		Name: "repo-get", Roles: "main,remote", Lock: "none",
		LogLevel: "debug", Parameters: true,
	},
	{
		Name: "repo-ls", Roles: "main,remote", Lock: "none",
		LogLevel: "debug", Parameters: true,
	},
	{
		Name: "repo-rm", Internal: true, Roles: "main,remote", Lock: "none",
		LogLevel: "debug", Parameters: true,
	},
	{
		Name: "restore", Roles: "main,local,remote", Lock: "restore", LockMain: true,
		LogLevel: "info", LogFile: true,
	},
	{
		Name: "server", Roles: "main", Lock: "none",
		LogLevel: "info", LogFile: true,
	},
	{
		Name: "server-ping", Roles: "main", Lock: "none",
		LogLevel: "info", Parameters: true,
	},
	{
		Name: "stanza-create", Roles: "main,remote", Lock: "all", LockMain: true, LockRemote: true,
		LogLevel: "info", LogFile: true,
	},
	{
		Name: "stanza-delete", Roles: "main,remote", Lock: "all", LockMain: true, LockRemote: true,
		LogLevel: "info", LogFile: true,
	},
	{
		Name: "stanza-upgrade", Roles: "main,remote", Lock: "all", LockMain: true, LockRemote: true,
		LogLevel: "info", LogFile: true,
	},
	{
		Name: "start", Roles: "main", Lock: "none",
		LogLevel: "info", LogFile: true,
	},
	{
		Name: "stop", Roles: "main", Lock: "none",
		LogLevel: "info", LogFile: true,
	},
	{
		Name: "verify", Roles: "main,local,remote", Lock: "none",
		LogLevel: "info", LogFile: true,
	},
	{
		Name: "version", Roles: "main", Lock: "none",
		LogLevel: "debug", Bare: true,
	},
}
