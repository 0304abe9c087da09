package config

// Options of PostgreSQL clusters.
var pgOptions = []Option{
	{
		Name: "pg", Type: Integer, Section: CommandOnly,
		For:      "backup:local manifest:main",
		Optional: true, Internal: true, Min: "1", Max: "256",
		Summary: "Number of the cluster to use.",
		Text:    "This chooses among the clusters configured as pg1, pg2 and so on.",
	},
	{
		Name: "pg-database", Type: String, Section: Stanza, Group: "pg", HelpGroup: "stanza",
		For:     forPg,
		Default: "postgres",
		Depend:  Depend{Option: "pg-path"},
		Summary: "Database to connect to.",
		Text:    "The database is used just to run a few functions, so any that exists will do. A change is rarely needed.",
	},
	{
		Name: "pg-path", Type: Path, Section: Stanza, Group: "pg", HelpGroup: "stanza",
		For:        "archive-get archive-push backup check manifest restore stanza-create stanza-delete stanza-upgrade",
		Deprecated: []OldName{{Name: "db-path", Plain: true, Indexed: true}},
		Except: []Exception{
			{Command: "archive-push", Optional: true},
			{Command: "check", Depend: Depend{Option: "stanza"}},
			{Command: "manifest", Optional: true},
		},
		Summary: "Data directory of the cluster.",
		Text: "This must be the same directory as the setting data_directory of PostgreSQL, which is compared when connected. " +
			"The number belongs to one server: primary and standbys of a cluster are pg1, pg2 and so on, in any order.",
	},
	{
		Name: "pg-port", Type: Integer, Section: Stanza, Group: "pg", HelpGroup: "stanza",
		For:     forPg,
		Default: "5432", Min: "0", Max: "65535",
		Depend:     Depend{Option: "pg-path"},
		Deprecated: []OldName{{Name: "db-port", Plain: true, Indexed: true}},
		Summary:    "Port of the cluster.",
		Text: "Connections on this host go through a socket in a directory, and the port is part of the socket's name. Set it " +
			"when PostgreSQL does not use its usual port.",
	},
	{
		Name: "pg-socket-path", Type: String, Section: Stanza, Group: "pg", HelpGroup: "stanza",
		For:        forPg,
		Optional:   true,
		Depend:     Depend{Option: "pg-path"},
		Deprecated: []OldName{{Name: "db-socket-path", Plain: true, Indexed: true}},
		Summary:    "Directory of the cluster's socket.",
		Text: "Set it to one of the directories in the setting unix_socket_directories of PostgreSQL when that is not what the " +
			"client library expects.",
	},
	{
		Name: "pg-user", Type: String, Section: Stanza, Group: "pg", HelpGroup: "stanza",
		For:      forPg,
		Optional: true,
		Depend:   Depend{Option: "pg-path"},
		Summary:  "Database user to connect as.",
		Text: "Without a value it is the account the program runs under. The user must be allowed to call the backup functions " +
			"and to read the settings of the server.",
	},
	{
		Name: "pg-version-force", Type: String, Section: Stanza, HelpGroup: "maintainer",
		For: "archive-get archive-push backup check manifest restore stanza-create stanza-delete " +
			"stanza-upgrade verify",
		Optional: true,
		Summary:  "Treat the cluster as this version.",
		Text: "Forks of PostgreSQL may write control files and WAL that do not tell their version in the usual way. The number " +
			"given here is then taken as the version. For PostgreSQL itself this is never needed and may do harm.",
	},
}
