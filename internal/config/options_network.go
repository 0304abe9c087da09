package config

// Options of connections, servers and the processes behind them.
var networkOptions = []Option{
	{
		Name: "cmd", Type: String, HelpGroup: "general",
		For:       forWorkers,
		ByProgram: true,
	},
	{
		Name: "cmd-ssh", Type: String, HelpGroup: "general",
		For:     forRepoHost,
		Default: "ssh",
	},
	{
		Name: "compress-level-network", Type: Integer, HelpGroup: "general",
		For:     forRepoHost,
		Default: "1", Min: "-5", Max: "12",
	},
	{
		Name: "db-timeout", Type: Time, HelpGroup: "general",
		For:     forPg,
		Default: "30m", Min: "100ms", Max: "7d",
	},
	{
		Name: "io-timeout", Type: Time, HelpGroup: "general",
		For:     forIO,
		Default: "1m", Min: "100ms", Max: "1h",
	},
	{
		Name: "job-retry", Type: Integer,
		For:     forWorkers,
		Default: "2", Internal: true, Min: "0", Max: "360",
		Except: []Exception{
			{Command: "archive-get", Default: "1"},
			{Command: "archive-push", Default: "1"},
		},
	},
	{
		Name: "job-retry-interval", Type: Time,
		For:     forWorkers,
		Default: "15s", Internal: true, Min: "0s", Max: "15m",
	},
	{
		Name: "process", Type: Integer, Section: CommandOnly,
		For:      forChildren,
		Optional: true, Internal: true, Min: "0", Max: "1024",
	},
	{
		Name: "process-max", Type: Integer, HelpGroup: "general",
		For:     "archive-get:main,async archive-push:main,async backup:main restore:main verify:main",
		Default: "1", Min: "1", Max: "999",
	},
	{
		Name: "protocol-timeout", Type: Time, HelpGroup: "general",
		For:     "annotate archive-get archive-push backup check expire info manifest repo-get repo-ls repo-rm restore server stanza-create stanza-delete stanza-upgrade verify",
		Default: "31m", Min: "100ms", Max: "7d",
	},
	{
		Name: "remote-type", Type: String, Section: CommandOnly,
		For:      forChildren,
		Optional: true, Internal: true,
		Allow: []string{"pg", "repo"},
	},
	{
		Name: "sck-block", Type: Boolean,
		For:     forIO,
		Default: "n", Internal: true,
	},
	{
		Name: "sck-keep-alive", Type: Boolean, HelpGroup: "general",
		For:     forIO,
		Default: "y",
	},
	{
		Name: "tcp-keep-alive-count", Type: Integer, HelpGroup: "general",
		For:      forIO,
		Optional: true, Min: "1", Max: "32",
		Depend: Depend{Option: "sck-keep-alive", Values: []string{"y"}},
	},
	{
		Name: "tcp-keep-alive-idle", Type: Integer, HelpGroup: "general",
		For:      forIO,
		Optional: true, Min: "1", Max: "3600",
		Depend: Depend{Option: "sck-keep-alive", Values: []string{"y"}},
	},
	{
		Name: "tcp-keep-alive-interval", Type: Integer, HelpGroup: "general",
		For:      forIO,
		Optional: true, Min: "1", Max: "900",
		Depend: Depend{Option: "sck-keep-alive", Values: []string{"y"}},
	},
	{
		Name: "tls-cipher-12", Type: String, HelpGroup: "general",
		For:      forIO,
		Optional: true,
	},
	{
		Name: "tls-cipher-13", Type: String, HelpGroup: "general",
		For:      forIO,
		Optional: true,
	},
	{
		Name: "tls-server-address", Type: String, HelpGroup: "command",
		For:     "server server-ping",
		Default: "localhost",
	},
	{
		Name: "tls-server-auth", Type: Hash, HelpGroup: "command",
		For: "server",
	},
	{
		Name: "tls-server-ca-file", Type: Path, HelpGroup: "command",
		For: "server",
	},
	{
		Name: "tls-server-cert-file", Type: Path, HelpGroup: "command",
		For: "server",
	},
	{
		Name: "tls-server-key-file", Type: Path, HelpGroup: "command",
		For: "server",
	},
	{
		Name: "tls-server-port", Type: Integer, HelpGroup: "command",
		For:     "server server-ping",
		Default: "8432", Min: "1", Max: "65535",
	},
}
