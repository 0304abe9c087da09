package config

// Options for repositories on another host.
var repoHostOptions = []Option{
	{
		Name: "repo-host", Type: String, Group: "repo", HelpGroup: "repository",
		For:        forRepoHost,
		Optional:   true,
		Depend:     Depend{Option: "repo-local", Values: []string{"n"}},
		Deprecated: []OldName{{Name: "backup-host", Plain: true}},
	},
	{
		Name: "repo-host-ca-file", Type: String, Group: "repo", HelpGroup: "repository",
		For:      forRepoHost,
		Optional: true,
		Depend:   Depend{Option: "repo-host-type", Values: []string{"tls"}},
	},
	{
		Name: "repo-host-ca-path", Type: String, Group: "repo", HelpGroup: "repository",
		For:      forRepoHost,
		Optional: true,
		Depend:   Depend{Option: "repo-host-type", Values: []string{"tls"}},
	},
	{
		Name: "repo-host-cert-file", Type: String, Group: "repo", HelpGroup: "repository",
		For:    forRepoHost,
		Depend: Depend{Option: "repo-host-type", Values: []string{"tls"}},
	},
	{
		Name: "repo-host-cmd", Type: String, Group: "repo", HelpGroup: "repository",
		For:        forRepoHost,
		ByProgram:  true,
		Depend:     Depend{Option: "repo-host-type", Values: []string{"ssh"}},
		Deprecated: []OldName{{Name: "backup-cmd", Plain: true}},
	},
	{
		Name: "repo-host-config", Type: String, Group: "repo", HelpGroup: "repository",
		For:        forRepoHost,
		Default:    "/etc/pgbackrest/pgbackrest.conf",
		Depend:     Depend{Option: "repo-host"},
		Deprecated: []OldName{{Name: "backup-config", Plain: true}},
	},
	{
		Name: "repo-host-config-include-path", Type: Path, Group: "repo", HelpGroup: "repository",
		For:     forRepoHost,
		Default: "/etc/pgbackrest/conf.d",
		Depend:  Depend{Option: "repo-host"},
	},
	{
		Name: "repo-host-config-path", Type: Path, Group: "repo", HelpGroup: "repository",
		For:     forRepoHost,
		Default: "/etc/pgbackrest",
		Depend:  Depend{Option: "repo-host"},
	},
	{
		Name: "repo-host-key-file", Type: String, Group: "repo", HelpGroup: "repository",
		For:    forRepoHost,
		Depend: Depend{Option: "repo-host-type", Values: []string{"tls"}},
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
	},
	{
		Name: "repo-host-type", Type: String, Group: "repo", HelpGroup: "repository",
		For:     forRepoHost,
		Default: "ssh",
		Allow:   []string{"ssh", "tls"},
		Depend:  Depend{Option: "repo-host"},
	},
	{
		Name: "repo-host-user", Type: String, Group: "repo", HelpGroup: "repository",
		For:     forRepoHost,
		Default: "pgbackrest", Optional: true,
		Depend:     Depend{Option: "repo-host-type", Values: []string{"ssh"}},
		Deprecated: []OldName{{Name: "backup-user", Plain: true}},
	},
	{
		Name: "repo-local", Type: Boolean, Group: "repo",
		For:     forRepoHost,
		Default: "n", Internal: true,
	},
}
