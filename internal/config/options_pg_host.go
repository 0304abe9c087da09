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
		Summary: "Host the cluster runs on.",
		Text: "Set this when the repository, or a host of its own for backups, is not where PostgreSQL runs. Give a name or an " +
			"address.",
	},
	{
		Name: "pg-host-ca-file", Type: String, Group: "pg", HelpGroup: "stanza",
		For:      forPgHost,
		Optional: true,
		Depend:   Depend{Option: "pg-host-type", Values: []string{"tls"}},
		Summary:  "Certificate authority for the cluster's host.",
		Text: "The certificate the host shows must be signed by an authority in this file. Without it the authorities known to " +
			"the system count.",
	},
	{
		Name: "pg-host-ca-path", Type: String, Group: "pg", HelpGroup: "stanza",
		For:      forPgHost,
		Optional: true,
		Depend:   Depend{Option: "pg-host-type", Values: []string{"tls"}},
		Summary:  "Directory of certificate authorities for the cluster's host.",
		Text:     "This is an alternative to pg-host-ca-file for many authorities, one file each.",
	},
	{
		Name: "pg-host-cert-file", Type: String, Group: "pg", HelpGroup: "stanza",
		For:     forPgHost,
		Depend:  Depend{Option: "pg-host-type", Values: []string{"tls"}},
		Summary: "Client certificate for the cluster's host.",
		Text:    "This is what the program shows to the server on the host to prove who it is.",
	},
	{
		Name: "pg-host-cmd", Type: String, Section: Stanza, Group: "pg", HelpGroup: "stanza",
		For:        forPgHost,
		ByProgram:  true,
		Depend:     Depend{Option: "pg-host-type", Values: []string{"ssh"}},
		Deprecated: []OldName{{Name: "db-cmd", Plain: true, Indexed: true}},
		Summary:    "Program on the cluster's host.",
		Text:       "Set it when the program is installed there under another path than here.",
	},
	{
		Name: "pg-host-config", Type: Path, Section: Stanza, Group: "pg", HelpGroup: "stanza",
		For:        forPgHost,
		Default:    "/etc/pgbackrest/pgbackrest.conf",
		Depend:     Depend{Option: "pg-host"},
		Deprecated: []OldName{{Name: "db-config", Plain: true, Indexed: true}},
		Summary:    "Configuration file on the cluster's host.",
		Text:       "Set it when the file is not in its usual place there.",
	},
	{
		Name: "pg-host-config-include-path", Type: Path, Section: Stanza, Group: "pg", HelpGroup: "stanza",
		For:     forPgHost,
		Default: "/etc/pgbackrest/conf.d",
		Depend:  Depend{Option: "pg-host"},
		Summary: "Directory with further configuration files on the cluster's host.",
		Text:    "Set it when the directory is not in its usual place there.",
	},
	{
		Name: "pg-host-config-path", Type: Path, Section: Stanza, Group: "pg", HelpGroup: "stanza",
		For:     forPgHost,
		Default: "/etc/pgbackrest",
		Depend:  Depend{Option: "pg-host"},
		Summary: "Directory in which configuration is looked for on the cluster's host.",
		Text:    "Set it when configuration is not in its usual place there.",
	},
	{
		Name: "pg-host-key-file", Type: String, Group: "pg", HelpGroup: "stanza",
		For:     forPgHost,
		Depend:  Depend{Option: "pg-host-type", Values: []string{"tls"}},
		Summary: "Private key of the client certificate for the cluster's host.",
		Text:    "The file must be readable for nobody but the account the program runs under.",
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
		Summary:    "Port on the cluster's host.",
		Text: "For ssh it is the port of the ssh server, which the ssh configuration decides if nothing is set; for tls it is " +
			"the port of the program's own server.",
	},
	{
		Name: "pg-host-type", Type: String, Group: "pg", HelpGroup: "stanza",
		For:     forPgHost,
		Default: "ssh",
		Allow:   []string{"ssh", "tls"},
		Depend:  Depend{Option: "pg-host"},
		Summary: "How to reach the cluster's host.",
		Text: "With ssh a login without password must be possible. With tls the program's own server runs on the host and both " +
			"sides have certificates.",
	},
	{
		Name: "pg-host-user", Type: String, Section: Stanza, Group: "pg", HelpGroup: "stanza",
		For:     forPgHost,
		Default: "postgres", Optional: true,
		Depend:     Depend{Option: "pg-host-type", Values: []string{"ssh"}},
		Deprecated: []OldName{{Name: "db-user", Plain: true, Indexed: true}},
		Summary:    "Account on the cluster's host.",
		Text: "This is the account for logging in over ssh. It must be able to read the files of the cluster, which usually " +
			"means the account PostgreSQL runs under.",
	},
	{
		Name: "pg-local", Type: Boolean, Section: Stanza, Group: "pg",
		For:     forPgLocal,
		Default: "n", Internal: true,
		Summary: "Treat the cluster as being on this host.",
		Text:    "A process that was started on the cluster's host uses this to ignore the host settings it finds there.",
	},
}
