package config

// Options for repositories on another host.
var repoHostOptions = []Option{
	{
		Name: "repo-host", Type: String, Group: "repo", HelpGroup: "repository",
		For:        forRepoHost,
		Optional:   true,
		Depend:     Depend{Option: "repo-local", Values: []string{"n"}},
		Deprecated: []OldName{{Name: "backup-host", Plain: true}},
		Summary:    "Host the repository is on.",
		Text: "Set this on the host of the cluster when the repository belongs to another host. Give a name or an address. For " +
			"object stores no host is needed, as every host can reach them.",
	},
	{
		Name: "repo-host-ca-file", Type: String, Group: "repo", HelpGroup: "repository",
		For:      forRepoHost,
		Optional: true,
		Depend:   Depend{Option: "repo-host-type", Values: []string{"tls"}},
		Summary:  "Certificate authority for the repository's host.",
		Text: "The certificate the host shows must be signed by an authority in this file. Without it the authorities known to " +
			"the system count.",
	},
	{
		Name: "repo-host-ca-path", Type: String, Group: "repo", HelpGroup: "repository",
		For:      forRepoHost,
		Optional: true,
		Depend:   Depend{Option: "repo-host-type", Values: []string{"tls"}},
		Summary:  "Directory of certificate authorities for the repository's host.",
		Text:     "This is an alternative to repo-host-ca-file for many authorities, one file each.",
	},
	{
		Name: "repo-host-cert-file", Type: String, Group: "repo", HelpGroup: "repository",
		For:     forRepoHost,
		Depend:  Depend{Option: "repo-host-type", Values: []string{"tls"}},
		Summary: "Client certificate for the repository's host.",
		Text:    "This is what the program shows to the server on the host to prove who it is.",
	},
	{
		Name: "repo-host-cmd", Type: String, Group: "repo", HelpGroup: "repository",
		For:        forRepoHost,
		ByProgram:  true,
		Depend:     Depend{Option: "repo-host-type", Values: []string{"ssh"}},
		Deprecated: []OldName{{Name: "backup-cmd", Plain: true}},
		Summary:    "Program on the repository's host.",
		Text:       "Set it when the program is installed there under another path than here.",
	},
	{
		Name: "repo-host-config", Type: String, Group: "repo", HelpGroup: "repository",
		For:        forRepoHost,
		Default:    "/etc/pgbackrest/pgbackrest.conf",
		Depend:     Depend{Option: "repo-host"},
		Deprecated: []OldName{{Name: "backup-config", Plain: true}},
		Summary:    "Configuration file on the repository's host.",
		Text:       "Set it when the file is not in its usual place there.",
	},
	{
		Name: "repo-host-config-include-path", Type: Path, Group: "repo", HelpGroup: "repository",
		For:     forRepoHost,
		Default: "/etc/pgbackrest/conf.d",
		Depend:  Depend{Option: "repo-host"},
		Summary: "Directory with further configuration files on the repository's host.",
		Text:    "Set it when the directory is not in its usual place there.",
	},
	{
		Name: "repo-host-config-path", Type: Path, Group: "repo", HelpGroup: "repository",
		For:     forRepoHost,
		Default: "/etc/pgbackrest",
		Depend:  Depend{Option: "repo-host"},
		Summary: "Directory in which configuration is looked for on the repository's host.",
		Text:    "Set it when configuration is not in its usual place there.",
	},
	{
		Name: "repo-host-key-file", Type: String, Group: "repo", HelpGroup: "repository",
		For:     forRepoHost,
		Depend:  Depend{Option: "repo-host-type", Values: []string{"tls"}},
		Summary: "Private key of the client certificate for the repository's host.",
		Text:    "The file must be readable for nobody but the account the program runs under.",
	},
	{
		Name: "repo-host-port", Type: Integer, Group: "repo", HelpGroup: "repository",
		For:      forRepoHost,
		Optional: true, Min: "0", Max: "65535",
		By: "repo-host-type",
		Cases: []Case{
			{Value: "tls", Default: "8432"},
		},
		Depend:     Depend{Option: "repo-host-type", Values: []string{"ssh", "tls"}},
		Deprecated: []OldName{{Name: "backup-ssh-port", Plain: true}},
		Summary:    "Port on the repository's host.",
		Text: "For ssh it is the port of the ssh server, which the ssh configuration decides if nothing is set; for tls it is " +
			"the port of the program's own server.",
	},
	{
		Name: "repo-host-type", Type: String, Group: "repo", HelpGroup: "repository",
		For:     forRepoHost,
		Default: "ssh",
		Allow:   []string{"ssh", "tls"},
		Depend:  Depend{Option: "repo-host"},
		Summary: "How to reach the repository's host.",
		Text: "With ssh a login without password must be possible. With tls the program's own server runs on the host and both " +
			"sides have certificates.",
	},
	{
		Name: "repo-host-user", Type: String, Group: "repo", HelpGroup: "repository",
		For:     forRepoHost,
		Default: "pgbackrest", Optional: true,
		Depend:     Depend{Option: "repo-host-type", Values: []string{"ssh"}},
		Deprecated: []OldName{{Name: "backup-user", Plain: true}},
		Summary:    "Account on the repository's host.",
		Text: "This is the account for logging in over ssh, the one that owns the repository. It should not be the account " +
			"PostgreSQL runs under, so that an intruder in the database cannot remove the backups.",
	},
	{
		Name: "repo-local", Type: Boolean, Group: "repo",
		For:     forRepoHost,
		Default: "n", Internal: true,
		Summary: "Treat the repository as being on this host.",
		Text:    "A process that was started on the repository's host uses this to ignore the host settings it finds there.",
	},
}
