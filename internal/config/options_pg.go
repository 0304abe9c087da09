package config

// Options of PostgreSQL clusters.
var pgOptions = []Option{
	{
		Name: "pg", Type: Integer, Section: CommandOnly,
		For:      "backup:local manifest:main",
		Optional: true, Internal: true, Min: "1", Max: "256",
	},
	{
		Name: "pg-database", Type: String, Section: Stanza, Group: "pg", HelpGroup: "stanza",
		For:     forPg,
		Default: "postgres",
		Depend:  Depend{Option: "pg-path"},
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
	},
	{
		Name: "pg-port", Type: Integer, Section: Stanza, Group: "pg", HelpGroup: "stanza",
		For:     forPg,
		Default: "5432", Min: "0", Max: "65535",
		Depend:     Depend{Option: "pg-path"},
		Deprecated: []OldName{{Name: "db-port", Plain: true, Indexed: true}},
	},
	{
		Name: "pg-socket-path", Type: String, Section: Stanza, Group: "pg", HelpGroup: "stanza",
		For:        forPg,
		Optional:   true,
		Depend:     Depend{Option: "pg-path"},
		Deprecated: []OldName{{Name: "db-socket-path", Plain: true, Indexed: true}},
	},
	{
		Name: "pg-user", Type: String, Section: Stanza, Group: "pg", HelpGroup: "stanza",
		For:      forPg,
		Optional: true,
		Depend:   Depend{Option: "pg-path"},
	},
	{
		Name: "pg-version-force", Type: String, Section: Stanza, HelpGroup: "maintainer",
		For:      "archive-get archive-push backup check manifest restore stanza-create stanza-delete stanza-upgrade verify",
		Optional: true,
	},
}
