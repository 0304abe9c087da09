package config

// Options of demo, which pgBackRest does not have.
var demoOptions = []Option{
	{
		Name: "keep", Type: Boolean, Section: CommandOnly, HelpGroup: "command",
		For:     "demo",
		Default: "n", Extension: true,
		Summary: "Keep the files of the demonstration.",
		Text: "Without this option everything the demonstration made is removed when it ends, whether it went well or not. " +
			"With it the clusters, the repository and the logs stay where they are and their place is printed, so that you " +
			"can look around. The servers are stopped either way.",
	},
	{
		Name: "pg-bin", Type: Path, Section: CommandOnly, HelpGroup: "command",
		For:      "demo",
		Optional: true, Extension: true,
		Summary: "Directory with the PostgreSQL programs.",
		Text: "The demonstration runs initdb, pg_ctl and postgres from this directory. Without the option it takes " +
			"those in the search path, or else the newest version it finds in the usual places.",
	},
	{
		Name: "user", Type: String, Section: CommandOnly, HelpGroup: "command",
		For:     "demo",
		Default: "postgres", Extension: true,
		Summary: "Account to switch to when started by root.",
		Text: "PostgreSQL refuses to run as root. When root starts the demonstration, it continues under this account. The " +
			"option has no effect for other users.",
	},
}
