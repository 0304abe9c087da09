package config

// Options of WAL archiving and fetching.
var archiveOptions = []Option{
	{
		Name: "archive-async", Type: Boolean, HelpGroup: "command",
		For:     "archive-get archive-push",
		Default: "n",
	},
	{
		Name: "archive-check", Type: Boolean, HelpGroup: "command",
		For:     "archive-push:main,async backup:main check:main",
		Default: "y",
		Except: []Exception{
			{Command: "backup", Depend: Depend{Option: "online", Values: []string{"y"}, Unmet: "n"}},
		},
	},
	{
		Name: "archive-copy", Type: Boolean, HelpGroup: "command",
		For:     "backup:main",
		Default: "n",
		Except: []Exception{
			{Command: "backup", Depend: Depend{Option: "archive-check", Values: []string{"y"}, Unmet: "n"}},
		},
	},
	{
		Name: "archive-expire-before", Type: String, Section: CommandOnly, HelpGroup: "command",
		For:      "expire:main",
		Optional: true,
	},
	{
		Name: "archive-get-queue-max", Type: Size, HelpGroup: "command",
		For:     "archive-get:main,async",
		Default: "128MiB", Min: "0B", Max: "4PiB",
	},
	{
		Name: "archive-header-check", Type: Boolean, HelpGroup: "maintainer",
		For:     "archive-push:main,async",
		Default: "y",
	},
	{
		Name: "archive-missing-retry", Type: Boolean, HelpGroup: "command",
		For:     "archive-get:main",
		Default: "y",
	},
	{
		Name: "archive-mode-check", Type: Boolean, HelpGroup: "command",
		For:     "archive-push:main,async backup:main check:main",
		Default: "y",
		Depend:  Depend{Option: "archive-check", Values: []string{"y"}, Unmet: "n"},
	},
	{
		Name: "archive-push-batch-size", Type: Size, HelpGroup: "command",
		For:     "archive-push:main,async",
		Default: "16GiB", Min: "1MiB", Max: "4PiB",
	},
	{
		Name: "archive-push-queue-max", Type: Size, HelpGroup: "command",
		For:      "archive-push:main,async",
		Optional: true, Min: "0B", Max: "4PiB",
		Deprecated: []OldName{{Name: "archive-queue-max", Plain: true}},
	},
	{
		Name: "archive-timeout", Type: Time, HelpGroup: "command",
		For:     "archive-get:main archive-push:main backup:main check:main",
		Default: "1m", Min: "100ms", Max: "1d",
	},
	{
		Name: "spool-path", Type: Path, HelpGroup: "general",
		For:     "archive-get:main,async,local archive-push:main,async,local restore:main,local",
		Default: "/var/spool/pgbackrest",
		Except: []Exception{
			{Command: "archive-get", Depend: Depend{Option: "archive-async", Values: []string{"y"}}},
			{Command: "archive-push", Depend: Depend{Option: "archive-async", Values: []string{"y"}}},
			{Command: "restore", Internal: true},
		},
	},
}
