package config

// Options of repositories: place, form, encryption, retention.
var repoOptions = []Option{
	{
		Name: "repo", Type: Integer, Section: CommandOnly, HelpGroup: "repository",
		For:      "annotate archive-get archive-push:remote backup check:remote expire info manifest repo-get repo-ls repo-rm restore stanza-create:remote stanza-delete stanza-upgrade:remote verify",
		Optional: true, Min: "1", Max: "256",
	},
	{
		Name: "repo-block", Type: Boolean, Group: "repo", HelpGroup: "repository",
		For:     "backup:main",
		Default: "n",
		Depend:  Depend{Option: "repo-bundle", Values: []string{"y"}, Unmet: "n"},
	},
	{
		Name: "repo-block-age-map", Type: Hash, Group: "repo",
		For:      "backup:main",
		Optional: true, Internal: true,
		Depend: Depend{Option: "repo-block", Values: []string{"y"}},
	},
	{
		Name: "repo-block-checksum-size-map", Type: Hash, Group: "repo",
		For:      "backup:main",
		Optional: true, Internal: true,
		Depend: Depend{Option: "repo-block", Values: []string{"y"}},
	},
	{
		Name: "repo-block-size-map", Type: Hash, Group: "repo",
		For:      "backup:main",
		Optional: true, Internal: true,
		Depend: Depend{Option: "repo-block", Values: []string{"y"}},
	},
	{
		Name: "repo-block-size-super", Type: Size, Group: "repo",
		For:     "backup:main",
		Default: "256KiB", Internal: true, Min: "32KiB", Max: "16MiB",
		Depend: Depend{Option: "repo-block", Values: []string{"y"}},
	},
	{
		Name: "repo-block-size-super-full", Type: Size, Group: "repo",
		For:     "backup:main",
		Default: "1MiB", Internal: true, Min: "32KiB", Max: "16MiB",
		Depend: Depend{Option: "repo-block", Values: []string{"y"}},
	},
	{
		Name: "repo-bundle", Type: Boolean, Group: "repo", HelpGroup: "repository",
		For:     "backup:main",
		Default: "n",
	},
	{
		Name: "repo-bundle-limit", Type: Size, Group: "repo", HelpGroup: "repository",
		For:     "backup:main",
		Default: "2MiB", Min: "8KiB", Max: "1PiB",
		Depend: Depend{Option: "repo-bundle", Values: []string{"y"}},
	},
	{
		Name: "repo-bundle-size", Type: Size, Group: "repo", HelpGroup: "repository",
		For:     "backup:main",
		Default: "20MiB", Min: "1MiB", Max: "1PiB",
		Depend: Depend{Option: "repo-bundle", Values: []string{"y"}},
	},
	{
		Name: "repo-cipher-pass", Type: String, Group: "repo", HelpGroup: "repository",
		For:        forRepo,
		Secure:     true,
		Depend:     Depend{Option: "repo-cipher-type", Values: []string{"aes-256-cbc"}},
		Deprecated: []OldName{{Name: "repo-cipher-pass", Plain: true}},
	},
	{
		Name: "repo-cipher-type", Type: String, Group: "repo", HelpGroup: "repository",
		For:        forRepo,
		Default:    "none",
		Allow:      []string{"none", "aes-256-cbc"},
		Deprecated: []OldName{{Name: "repo-cipher-type", Plain: true}},
	},
	{
		Name: "repo-hardlink", Type: Boolean, Group: "repo", HelpGroup: "repository",
		For:        "backup:main",
		Default:    "n",
		Depend:     Depend{Option: "repo-bundle", Values: []string{"n"}, Unmet: "n"},
		Deprecated: []OldName{{Name: "hardlink", Plain: true}},
	},
	{
		Name: "repo-path", Type: Path, Group: "repo", HelpGroup: "repository",
		For:        forRepo,
		Default:    "/var/lib/pgbackrest",
		Deprecated: []OldName{{Name: "repo-path", Plain: true}},
	},
	{
		Name: "repo-retention-archive", Type: Integer, Group: "repo", HelpGroup: "repository",
		For:      forRetention,
		Optional: true, Min: "1", Max: "9999999",
		Deprecated: []OldName{{Name: "retention-archive", Plain: true}},
	},
	{
		Name: "repo-retention-archive-type", Type: String, Group: "repo", HelpGroup: "repository",
		For:        forRetention,
		Default:    "full",
		Allow:      []string{"full", "diff", "incr"},
		Deprecated: []OldName{{Name: "retention-archive-type", Plain: true}},
	},
	{
		Name: "repo-retention-diff", Type: Integer, Group: "repo", HelpGroup: "repository",
		For:      forRetention,
		Optional: true, Min: "1", Max: "9999999",
		Deprecated: []OldName{{Name: "retention-diff", Plain: true}},
	},
	{
		Name: "repo-retention-full", Type: Integer, Group: "repo", HelpGroup: "repository",
		For:      forRetention,
		Optional: true, Min: "1", Max: "9999999",
		Deprecated: []OldName{{Name: "retention-full", Plain: true}},
	},
	{
		Name: "repo-retention-full-type", Type: String, Group: "repo", HelpGroup: "repository",
		For:     forRetention,
		Default: "count",
		Allow:   []string{"count", "time"},
	},
	{
		Name: "repo-retention-history", Type: Integer, Group: "repo", HelpGroup: "repository",
		For:      forRetention,
		Optional: true, Min: "0", Max: "9999999",
	},
	{
		Name: "repo-symlink", Type: Boolean, Group: "repo", HelpGroup: "repository",
		For:     forRetention,
		Default: "y",
		Depend:  Depend{Option: "repo-type", Values: []string{"posix"}, Unmet: "n"},
	},
	{
		Name: "repo-target-time", Type: String, HelpGroup: "repository",
		For:      "archive-get:main,async,local info:main manifest:main repo-get:main repo-ls:main restore:main,local verify:main,local",
		Optional: true,
	},
	{
		Name: "repo-type", Type: String, Group: "repo", HelpGroup: "repository",
		For:        forRepo,
		Default:    "posix",
		Allow:      []string{"azure", "cifs", "gcs", "posix", "s3", "sftp"},
		Deprecated: []OldName{{Name: "repo-type", Plain: true}},
	},
}
