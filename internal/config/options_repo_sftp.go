package config

// Options for repositories behind SFTP.
var sftpOptions = []Option{
	{
		Name: "repo-sftp-host", Type: String, Group: "repo", HelpGroup: "repository",
		For:     forRepo,
		Depend:  Depend{Option: "repo-type", Values: []string{"sftp"}},
		Summary: "Host of the repository.",
		Text:    "Give a name or an address. Nothing but an SFTP server is needed there.",
	},
	{
		Name: "repo-sftp-host-fingerprint", Type: String, Group: "repo", HelpGroup: "repository",
		For:      forRepo,
		Optional: true,
		Depend:   Depend{Option: "repo-sftp-host-key-check-type", Values: []string{"fingerprint", "strict"}},
		Summary:  "Fingerprint of the host's key.",
		Text:     "The host is accepted only if the hash of its key has this value, in hexadecimal digits.",
	},
	{
		Name: "repo-sftp-host-key-check-type", Type: String, Group: "repo", HelpGroup: "repository",
		For:     forRepo,
		Default: "strict",
		Allow:   []string{"accept-new", "fingerprint", "none", "strict"},
		Depend:  Depend{Option: "repo-type", Values: []string{"sftp"}},
		Summary: "How the host is recognised.",
		Text: "With strict its key must be in a file of known hosts. With accept-new an unknown host is added there, a changed " +
			"key refused. With fingerprint the hash of the key is compared with a value in the configuration. With none " +
			"every host is trusted, which invites an impostor.",
	},
	{
		Name: "repo-sftp-host-key-hash-type", Type: String, Group: "repo", HelpGroup: "repository",
		For:     forRepo,
		Allow:   []string{"md5", "sha1", "sha256"},
		Depend:  Depend{Option: "repo-type", Values: []string{"sftp"}},
		Summary: "Hash for the host's key.",
		Text:    "Fingerprints are computed with this hash. Prefer sha256 where the server supports it.",
	},
	{
		Name: "repo-sftp-host-port", Type: Integer, Group: "repo", HelpGroup: "repository",
		For:     forRepo,
		Default: "22", Min: "1", Max: "65535",
		Depend:  Depend{Option: "repo-type", Values: []string{"sftp"}},
		Summary: "Port of the SFTP server.",
		Text:    "This is the port of the host's ssh server.",
	},
	{
		Name: "repo-sftp-host-user", Type: String, Group: "repo", HelpGroup: "repository",
		For:     forRepo,
		Depend:  Depend{Option: "repo-type", Values: []string{"sftp"}},
		Summary: "Account on the host.",
		Text:    "The account must own the repository or be allowed to write there.",
	},
	{
		Name: "repo-sftp-known-host", Type: List, Group: "repo", HelpGroup: "repository",
		For:      forRepo,
		Optional: true,
		Depend:   Depend{Option: "repo-sftp-host-key-check-type", Values: []string{"accept-new", "strict"}},
		Summary:  "File of known hosts.",
		Text:     "Repeat the option for several files. Without it those of the ssh client are used.",
	},
	{
		Name: "repo-sftp-private-key-file", Type: String, Group: "repo", HelpGroup: "repository",
		For:     forRepo,
		Depend:  Depend{Option: "repo-type", Values: []string{"sftp"}},
		Summary: "Private key for logging in.",
		Text:    "The file must be readable for nobody but the account the program runs under.",
	},
	{
		Name: "repo-sftp-private-key-passphrase", Type: String, Group: "repo", HelpGroup: "repository",
		For:      forRepo,
		Optional: true, Secure: true,
		Depend:  Depend{Option: "repo-type", Values: []string{"sftp"}},
		Summary: "Passphrase of the private key.",
		Text:    "Needed if the key file is encrypted.",
	},
	{
		Name: "repo-sftp-public-key-file", Type: String, Group: "repo", HelpGroup: "repository",
		For:      forRepo,
		Optional: true,
		Depend:   Depend{Option: "repo-type", Values: []string{"sftp"}},
		Summary:  "Public key for logging in.",
		Text:     "It belongs to the private key. Some libraries need it; without it, it is derived.",
	},
}
