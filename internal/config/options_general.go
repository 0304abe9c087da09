package config

// Options every command shares.
var generalOptions = []Option{
	{
		Name: "allow-root", Type: Boolean, HelpGroup: "general",
		For:     forAll,
		Default: "n",
		Except: []Exception{
			{Command: "restore", Default: "y"},
		},
	},
	{
		Name: "beta", Type: Boolean,
		For:     forAll,
		Default: "n", Internal: true, Beta: true,
	},
	{
		Name: "buffer-size", Type: Size, HelpGroup: "general",
		For:     forIO,
		Default: "1MiB",
		Allow:   []string{"16KiB", "32KiB", "64KiB", "128KiB", "256KiB", "512KiB", "1MiB", "2MiB", "4MiB", "8MiB", "16MiB"},
	},
	{
		Name: "config", Type: String, Section: CommandOnly, HelpGroup: "general",
		For:     forAll,
		Default: "/etc/pgbackrest/pgbackrest.conf", CanNegate: true,
	},
	{
		Name: "config-include-path", Type: Path, Section: CommandOnly, HelpGroup: "general",
		For:     forAll,
		Default: "/etc/pgbackrest/conf.d",
	},
	{
		Name: "config-path", Type: Path, Section: CommandOnly, HelpGroup: "general",
		For:     forAll,
		Default: "/etc/pgbackrest",
	},
	{
		Name: "exec-id", Type: String, Section: CommandOnly,
		For:      forAll,
		Optional: true, Internal: true,
	},
	{
		Name: "lock", Type: List, Section: CommandOnly,
		For:      "annotate:remote archive-push:remote backup:remote expire:remote stanza-create:remote stanza-delete:remote stanza-upgrade:remote",
		Optional: true, Internal: true,
	},
	{
		Name: "lock-path", Type: Path, HelpGroup: "general",
		For:     "annotate archive-get archive-push backup expire info restore stanza-create stanza-delete stanza-upgrade start stop",
		Default: "/tmp/pgbackrest",
	},
	{
		Name: "neutral-umask", Type: Boolean, HelpGroup: "general",
		For:     "annotate archive-get archive-push backup check expire repo-get repo-ls repo-rm restore stanza-create stanza-delete stanza-upgrade start stop verify",
		Default: "y",
	},
	{
		Name: "priority", Type: Integer, HelpGroup: "general",
		For:      forAll,
		Optional: true, Min: "-20", Max: "19",
	},
	{
		Name: "stanza", Type: String, Section: CommandOnly, HelpGroup: "general",
		For: "annotate archive-get archive-push backup check expire info manifest repo-get repo-ls repo-rm restore stanza-create stanza-delete stanza-upgrade start stop verify",
		Except: []Exception{
			{Command: "check", Optional: true},
			{Command: "info", Optional: true},
			{Command: "repo-get", Optional: true, Internal: true},
			{Command: "repo-ls", Optional: true, Internal: true},
			{Command: "repo-rm", Optional: true, Internal: true},
			{Command: "start", Optional: true},
			{Command: "stop", Optional: true},
		},
	},
}
