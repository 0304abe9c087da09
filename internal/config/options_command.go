package config

// Options of single commands, given on the command line.
var commandOptions = []Option{
	{
		Name: "detail-level", Type: String, Section: CommandOnly, HelpGroup: "command",
		For:     "info:main",
		Default: "full",
		Allow:   []string{"full", "progress"},
	},
	{
		Name: "dry-run", Type: Boolean, Section: CommandOnly, HelpGroup: "general",
		For:     "expire:main",
		Default: "n",
	},
	{
		Name: "filter", Type: String, Section: CommandOnly, HelpGroup: "command",
		For:      "manifest:main repo-ls:main",
		Optional: true,
	},
	{
		Name: "help", Type: Boolean, Section: CommandOnly, HelpGroup: "command",
		For:     "help",
		Default: "n",
	},
	{
		Name: "ignore-missing", Type: Boolean, Section: CommandOnly, HelpGroup: "command",
		For:     "repo-get:main",
		Default: "n",
	},
	{
		Name: "oldest", Type: Boolean, Section: CommandOnly, HelpGroup: "command",
		For:     "expire:main",
		Default: "n",
		Except: []Exception{
			{Command: "expire", Depend: Depend{Option: "stanza"}},
		},
	},
	{
		Name: "output", Type: String, Section: CommandOnly, HelpGroup: "command",
		For:     "info:main manifest:main repo-ls:main verify:main version",
		Default: "text",
		Allow:   []string{"text", "json"},
		Except: []Exception{
			{Command: "verify", Default: "none", Allow: []string{"none", "text"}},
			{Command: "version", Default: "text", Allow: []string{"text", "num"}},
		},
	},
	{
		Name: "raw", Type: Boolean, Section: CommandOnly, HelpGroup: "general",
		For:     "repo-get:main",
		Default: "n",
	},
	{
		Name: "recurse", Type: Boolean, Section: CommandOnly, HelpGroup: "command",
		For:     "repo-ls:main repo-rm:main",
		Default: "n",
	},
	{
		Name: "reference", Type: String, Section: CommandOnly, HelpGroup: "command",
		For:      "manifest:main",
		Optional: true,
	},
	{
		Name: "report", Type: Boolean, Section: CommandOnly,
		For:     "check:main",
		Default: "n", Internal: true,
	},
	{
		Name: "set", Type: String, Section: CommandOnly, HelpGroup: "command",
		For:      "annotate:main expire:main info:main manifest:main restore:main verify:main",
		Optional: true,
		Except: []Exception{
			{Command: "annotate", Required: true},
			{Command: "info", Depend: Depend{Option: "stanza"}},
			{Command: "manifest", Required: true, Default: "latest"},
			{Command: "restore", Required: true, Default: "latest"},
		},
	},
	{
		Name: "sort", Type: String, Section: CommandOnly, HelpGroup: "command",
		For:     "repo-ls:main",
		Default: "asc",
		Allow:   []string{"none", "asc", "desc"},
	},
	{
		Name: "verbose", Type: Boolean, Section: CommandOnly, HelpGroup: "command",
		For:     "verify:main",
		Default: "n",
	},
	{
		Name: "version", Type: Boolean, Section: CommandOnly, HelpGroup: "command",
		For:     "help",
		Default: "n",
	},
}
