package config

// Options of the log.
var logOptions = []Option{
	{
		Name: "log-level-console", Type: String, HelpGroup: "log",
		For:     forAll,
		Default: "warn",
		Allow:   []string{"off", "error", "warn", "info", "detail", "debug", "trace"},
		Summary: "Level for messages on the console.",
		Text: "Messages of this importance and above go to standard output. From silent to chatty the levels are off, error, " +
			"warn, info, detail, debug and trace.",
	},
	{
		Name: "log-level-file", Type: String, HelpGroup: "log",
		For:     forAll,
		Default: "info",
		Allow:   []string{"off", "error", "warn", "info", "detail", "debug", "trace"},
		Summary: "Level for messages in the log file.",
		Text: "Messages of this importance and above go to the log file. From silent to chatty the levels are off, error, " +
			"warn, info, detail, debug and trace. Short commands such as info and archive-push write a log file only when " +
			"this option stands on the command line.",
	},
	{
		Name: "log-level-stderr", Type: String, HelpGroup: "log",
		For:     forAll,
		Default: "off",
		Allow:   []string{"off", "error", "warn", "info", "detail", "debug", "trace"},
		Summary: "Level for messages on standard error.",
		Text: "Messages of this importance and above go to standard error and then not to the console. This is useful where " +
			"schedulers mail what appears on standard error. From silent to chatty the levels are off, error, warn, info, " +
			"detail, debug and trace.",
	},
	{
		Name: "log-path", Type: Path, HelpGroup: "log",
		For:     forAll,
		Default: "/var/log/pgbackrest",
		Summary: "Directory for log files.",
		Text: "Each stanza and command has a log file of its own here, which grows until it is rotated from outside. When the " +
			"file cannot be opened a warning is given and the command goes on without it.",
	},
	{
		Name: "log-subprocess", Type: Boolean, HelpGroup: "log",
		For:     forRepo,
		Default: "n",
		Summary: "Let child processes write log files.",
		Text: "Workers and processes on other hosts normally report to the process that started them. With this option they " +
			"also write files of their own, which helps to find out what went wrong in one of them.",
	},
	{
		Name: "log-timestamp", Type: Boolean, HelpGroup: "log",
		For:     forAll,
		Default: "y",
		Summary: "Begin log lines with the time.",
		Text: "Switch this off where whatever collects the output adds the time anyway. Durations in log lines are left out as " +
			"well.",
	},
}
