package config

// Options of backup and of what is written by it.
var backupOptions = []Option{
	{
		Name: "annotation", Type: Hash, HelpGroup: "command",
		For:      "annotate:main backup:main",
		Optional: true,
		Except: []Exception{
			{Command: "annotate", Required: true},
		},
	},
	{
		Name: "backup-standby", Type: String, HelpGroup: "command",
		For:     "backup:main check:main",
		Default: "n", BoolLike: true,
		Allow: []string{"n", "prefer", "y"},
	},
	{
		Name: "checksum-page", Type: Boolean, HelpGroup: "command",
		For:      "backup:main",
		Optional: true,
	},
	{
		Name: "compress", Type: Boolean, HelpGroup: "general",
		For:     "archive-push:main backup:main",
		Default: "y",
	},
	{
		Name: "compress-level", Type: Integer, HelpGroup: "general",
		For:      "archive-push:main,async backup:main",
		Optional: true,
		By:       "compress-type",
		Cases: []Case{
			{Value: "bz2", Default: "9", Min: "1", Max: "9"},
			{Value: "gz", Default: "6", Min: "-1", Max: "9"},
			{Value: "lz4", Default: "1", Min: "-5", Max: "12"},
			{Value: "zst", Default: "3", Min: "-7", Max: "22"},
		},
		Depend: Depend{Option: "compress-type", Values: []string{"bz2", "gz", "lz4", "zst"}, Unmet: "0"},
	},
	{
		Name: "compress-type", Type: String, HelpGroup: "general",
		For:     "archive-push:main,async backup:main",
		Default: "gz",
		Allow:   []string{"none", "bz2", "gz", "lz4", "zst"},
	},
	{
		Name: "delta", Type: Boolean, HelpGroup: "general",
		For:     "backup:main restore:main",
		Default: "n",
	},
	{
		Name: "exclude", Type: List, HelpGroup: "command",
		For:      "backup:main",
		Optional: true,
	},
	{
		Name: "expire-auto", Type: Boolean, HelpGroup: "command",
		For:     "backup:main",
		Default: "y",
	},
	{
		Name: "force", Type: Boolean, Section: CommandOnly, HelpGroup: "command",
		For:     "backup:main restore:main stanza-create:main stanza-delete:main stop",
		Default: "n",
		Except: []Exception{
			{Command: "backup", Depend: Depend{Option: "online", Values: []string{"n"}}},
			{Command: "stanza-create", Internal: true},
		},
	},
	{
		Name: "manifest-save-threshold", Type: Size, HelpGroup: "command",
		For:     "backup:main",
		Default: "1GiB", Min: "1B", Max: "1TiB",
	},
	{
		Name: "online", Type: Boolean, Section: CommandOnly, HelpGroup: "command",
		For:     "backup:main stanza-create:main stanza-upgrade:main",
		Default: "y", CanNegate: true,
	},
	{
		Name: "page-header-check", Type: Boolean, HelpGroup: "maintainer",
		For:     "backup:main",
		Default: "y",
	},
	{
		Name: "resume", Type: Boolean, HelpGroup: "command",
		For:     "backup:main",
		Default: "y",
	},
	{
		Name: "start-fast", Type: Boolean, HelpGroup: "command",
		For:     "backup:main",
		Default: "n",
	},
	{
		Name: "stop-auto", Type: Boolean,
		For:     "backup:main",
		Default: "n", Internal: true,
	},
	{
		Name: "type", Type: String, Section: CommandOnly, HelpGroup: "command",
		For: "backup:main info:main restore:main",
		Except: []Exception{
			{Command: "backup", Default: "incr", Allow: []string{"full", "diff", "incr"}},
			{Command: "info", Optional: true, Allow: []string{"full", "diff", "incr"}},
			{Command: "restore", Default: "default", Allow: []string{"default", "preserve", "immediate", "standby", "none", "name", "time", "lsn", "xid"}},
		},
	},
}
