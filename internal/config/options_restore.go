package config

// Options of restore.
var restoreOptions = []Option{
	{
		Name: "archive-mode", Type: String, HelpGroup: "command",
		For:     "restore:main",
		Default: "preserve",
		Allow:   []string{"preserve", "off"},
	},
	{
		Name: "db-exclude", Type: List, HelpGroup: "command",
		For:      "restore:main",
		Optional: true,
	},
	{
		Name: "db-include", Type: List, HelpGroup: "command",
		For:      "restore:main",
		Optional: true,
	},
	{
		Name: "link-all", Type: Boolean, HelpGroup: "command",
		For:     "restore:main",
		Default: "n",
	},
	{
		Name: "link-map", Type: Hash, HelpGroup: "command",
		For:      "restore:main",
		Optional: true,
	},
	{
		Name: "recovery-option", Type: Hash, HelpGroup: "command",
		For:      "restore:main",
		Optional: true,
		Depend:   Depend{Option: "type", Values: []string{"default", "immediate", "lsn", "name", "time", "standby", "xid"}},
	},
	{
		Name: "tablespace-map", Type: Hash, HelpGroup: "command",
		For:      "restore:main",
		Optional: true,
	},
	{
		Name: "tablespace-map-all", Type: String, HelpGroup: "command",
		For:      "restore:main",
		Optional: true,
	},
	{
		Name: "target", Type: String, Section: CommandOnly, HelpGroup: "command",
		For:    "restore:main",
		Depend: Depend{Option: "type", Values: []string{"lsn", "name", "time", "xid"}},
	},
	{
		Name: "target-action", Type: String, Section: CommandOnly, HelpGroup: "command",
		For:     "restore:main",
		Default: "pause",
		Allow:   []string{"pause", "promote", "shutdown"},
		Depend:  Depend{Option: "type", Values: []string{"immediate", "lsn", "name", "time", "xid"}},
	},
	{
		Name: "target-exclusive", Type: Boolean, Section: CommandOnly, HelpGroup: "command",
		For:     "restore:main",
		Default: "n",
		Depend:  Depend{Option: "type", Values: []string{"lsn", "time", "xid"}},
	},
	{
		Name: "target-timeline", Type: String, Section: CommandOnly, HelpGroup: "command",
		For:      "restore:main",
		Optional: true,
		Depend:   Depend{Option: "type", Values: []string{"default", "lsn", "name", "standby", "time", "xid"}},
	},
}
