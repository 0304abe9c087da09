package config

// Options for repositories behind SFTP.
var sftpOptions = []Option{
	{
		Name: "repo-sftp-host", Type: String, Group: "repo", HelpGroup: "repository",
		For:    forRepo,
		Depend: Depend{Option: "repo-type", Values: []string{"sftp"}},
	},
	{
		Name: "repo-sftp-host-fingerprint", Type: String, Group: "repo", HelpGroup: "repository",
		For:      forRepo,
		Optional: true,
		Depend:   Depend{Option: "repo-sftp-host-key-check-type", Values: []string{"fingerprint", "strict"}},
	},
	{
		Name: "repo-sftp-host-key-check-type", Type: String, Group: "repo", HelpGroup: "repository",
		For:     forRepo,
		Default: "strict",
		Allow:   []string{"accept-new", "fingerprint", "none", "strict"},
		Depend:  Depend{Option: "repo-type", Values: []string{"sftp"}},
	},
	{
		Name: "repo-sftp-host-key-hash-type", Type: String, Group: "repo", HelpGroup: "repository",
		For:    forRepo,
		Allow:  []string{"md5", "sha1", "sha256"},
		Depend: Depend{Option: "repo-type", Values: []string{"sftp"}},
	},
	{
		Name: "repo-sftp-host-port", Type: Integer, Group: "repo", HelpGroup: "repository",
		For:     forRepo,
		Default: "22", Min: "1", Max: "65535",
		Depend: Depend{Option: "repo-type", Values: []string{"sftp"}},
	},
	{
		Name: "repo-sftp-host-user", Type: String, Group: "repo", HelpGroup: "repository",
		For:    forRepo,
		Depend: Depend{Option: "repo-type", Values: []string{"sftp"}},
	},
	{
		Name: "repo-sftp-known-host", Type: List, Group: "repo", HelpGroup: "repository",
		For:      forRepo,
		Optional: true,
		Depend:   Depend{Option: "repo-sftp-host-key-check-type", Values: []string{"accept-new", "strict"}},
	},
	{
		Name: "repo-sftp-private-key-file", Type: String, Group: "repo", HelpGroup: "repository",
		For:    forRepo,
		Depend: Depend{Option: "repo-type", Values: []string{"sftp"}},
	},
	{
		Name: "repo-sftp-private-key-passphrase", Type: String, Group: "repo", HelpGroup: "repository",
		For:      forRepo,
		Optional: true, Secure: true,
		Depend: Depend{Option: "repo-type", Values: []string{"sftp"}},
	},
	{
		Name: "repo-sftp-public-key-file", Type: String, Group: "repo", HelpGroup: "repository",
		For:      forRepo,
		Optional: true,
		Depend:   Depend{Option: "repo-type", Values: []string{"sftp"}},
	},
}
