package config

// Options for PostgreSQL on another host.
var pgHostOptions = []Option{
	{
		Name: "pg-host", Type: String, Section: Stanza, Group: "pg", HelpGroup: "stanza",
		For:        forPgLocal,
		Optional:   true,
		Depend:     Depend{Option: "pg-local", Values: []string{"n"}},
		Deprecated: []OldName{{Name: "db-host", Plain: true, Indexed: true}},
		Except: []Exception{
			{Command: "archive-get", Internal: true},
			{Command: "archive-push", Internal: true},
			{Command: "restore", Internal: true},
		},
	},
	{
		Name: "pg-host-ca-file", Type: String, Group: "pg", HelpGroup: "stanza",
		For:      forPgHost,
		Optional: true,
		Depend:   Depend{Option: "pg-host-type", Values: []string{"tls"}},
	},
	{
		Name: "pg-host-ca-path", Type: String, Group: "pg", HelpGroup: "stanza",
		For:      forPgHost,
		Optional: true,
		Depend:   Depend{Option: "pg-host-type", Values: []string{"tls"}},
	},
	{
		Name: "pg-host-cert-file", Type: String, Group: "pg", HelpGroup: "stanza",
		For:    forPgHost,
		Depend: Depend{Option: "pg-host-type", Values: []string{"tls"}},
	},
	{
		Name: "pg-host-cmd", Type: String, Section: Stanza, Group: "pg", HelpGroup: "stanza",
		For:        forPgHost,
		ByProgram:  true,
		Depend:     Depend{Option: "pg-host-type", Values: []string{"ssh"}},
		Deprecated: []OldName{{Name: "db-cmd", Plain: true, Indexed: true}},
	},
	{
		Name: "pg-host-config", Type: Path, Section: Stanza, Group: "pg", HelpGroup: "stanza",
		For:        forPgHost,
		Default:    "/etc/pgbackrest/pgbackrest.conf",
		Depend:     Depend{Option: "pg-host"},
		Deprecated: []OldName{{Name: "db-config", Plain: true, Indexed: true}},
	},
	{
		Name: "pg-host-config-include-path", Type: Path, Section: Stanza, Group: "pg", HelpGroup: "stanza",
		For:     forPgHost,
		Default: "/etc/pgbackrest/conf.d",
		Depend:  Depend{Option: "pg-host"},
	},
	{
		Name: "pg-host-config-path", Type: Path, Section: Stanza, Group: "pg", HelpGroup: "stanza",
		For:     forPgHost,
		Default: "/etc/pgbackrest",
		Depend:  Depend{Option: "pg-host"},
	},
	{
		Name: "pg-host-key-file", Type: String, Group: "pg", HelpGroup: "stanza",
		For:    forPgHost,
		Depend: Depend{Option: "pg-host-type", Values: []string{"tls"}},
	},
	{
		Name: "pg-host-port", Type: Integer, Section: Stanza, Group: "pg", HelpGroup: "stanza",
		For:      forPgHost,
		Optional: true, Min: "0", Max: "65535",
		By: "pg-host-type",
		Cases: []Case{
			{Value: "tls", Default: "8432"},
		},
		Depend:     Depend{Option: "pg-host-type", Values: []string{"ssh", "tls"}},
		Deprecated: []OldName{{Name: "db-ssh-port", Plain: true, Indexed: true}},
	},
	{
		Name: "pg-host-type", Type: String, Group: "pg", HelpGroup: "stanza",
		For:     forPgHost,
		Default: "ssh",
		Allow:   []string{"ssh", "tls"},
		Depend:  Depend{Option: "pg-host"},
	},
	{
		Name: "pg-host-user", Type: String, Section: Stanza, Group: "pg", HelpGroup: "stanza",
		For:     forPgHost,
		Default: "postgres", Optional: true,
		Depend:     Depend{Option: "pg-host-type", Values: []string{"ssh"}},
		Deprecated: []OldName{{Name: "db-user", Plain: true, Indexed: true}},
	},
	{
		Name: "pg-local", Type: Boolean, Section: Stanza, Group: "pg",
		For:     forPgLocal,
		Default: "n", Internal: true,
	},
}
