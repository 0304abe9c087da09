package config

// Options of the log.
var logOptions = []Option{
	{
		Name: "log-level-console", Type: String, HelpGroup: "log",
		For:     forAll,
		Default: "warn",
		Allow:   []string{"off", "error", "warn", "info", "detail", "debug", "trace"},
	},
	{
		Name: "log-level-file", Type: String, HelpGroup: "log",
		For:     forAll,
		Default: "info",
		Allow:   []string{"off", "error", "warn", "info", "detail", "debug", "trace"},
	},
	{
		Name: "log-level-stderr", Type: String, HelpGroup: "log",
		For:     forAll,
		Default: "off",
		Allow:   []string{"off", "error", "warn", "info", "detail", "debug", "trace"},
	},
	{
		Name: "log-path", Type: Path, HelpGroup: "log",
		For:     forAll,
		Default: "/var/log/pgbackrest",
	},
	{
		Name: "log-subprocess", Type: Boolean, HelpGroup: "log",
		For:     forRepo,
		Default: "n",
	},
	{
		Name: "log-timestamp", Type: Boolean, HelpGroup: "log",
		For:     forAll,
		Default: "y",
	},
}
