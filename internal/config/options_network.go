package config

// Options of connections, servers and the processes behind them.
var networkOptions = []Option{
	{
		Name: "cmd", Type: String, HelpGroup: "general",
		For:       forWorkers,
		ByProgram: true,
		Summary:   "Path under which the program can be called.",
		Text: "This is written into restore_command and used to start child processes. Normally it is the path the program was " +
			"started with; set it where a wrapper has to be called instead.",
	},
	{
		Name: "cmd-ssh", Type: String, HelpGroup: "general",
		For:     forRepoHost,
		Default: "ssh",
		Summary: "Program for connections over ssh.",
		Text:    "Give a path if the ssh client is not in the search path, or a wrapper that takes the same arguments.",
	},
	{
		Name: "compress-level-network", Type: Integer, HelpGroup: "general",
		For:     forRepoHost,
		Default: "1", Min: "-5", Max: "12",
		Summary: "Compression level for connections between hosts.",
		Text: "Data that is not compressed already is compressed with lz4 while it travels to another host. Higher levels take " +
			"more time and save little. Zero turns compression off, which can be the better choice in a fast network. Unless a value is " +
			"set, what is in a repository already, and WAL, goes as it is.",
	},
	{
		Name: "db-timeout", Type: Time, HelpGroup: "general",
		For:     forPg,
		Default: "30m", Min: "100ms", Max: "7d",
		Summary: "Longest time a query may take.",
		Text: "This limits the statements the program itself runs, above all those that begin and end a backup. Beginning a " +
			"backup waits for a checkpoint, which takes long on a busy server unless start-fast is set. The value should be " +
			"smaller than protocol-timeout.",
	},
	{
		Name: "io-timeout", Type: Time, HelpGroup: "general",
		For:     forIO,
		Default: "1m", Min: "100ms", Max: "1h",
		Summary: "Longest wait for a connection or an answer.",
		Text: "This applies to connecting to servers and to reading from and writing to them when nothing moves. It does not " +
			"limit how long a whole transfer may take.",
	},
	{
		Name: "job-retry", Type: Integer,
		For:     forWorkers,
		Default: "2", Internal: true, Min: "0", Max: "360",
		Except: []Exception{
			{Command: "archive-get", Default: "1"},
			{Command: "archive-push", Default: "1"},
		},
		Summary: "How often a failed file is tried again.",
		Text: "When copying one file fails, for example because the network is down, it is tried again this many times before " +
			"the command gives up. The first retry follows at once, later ones after the time set by job-retry-interval.",
	},
	{
		Name: "job-retry-interval", Type: Time,
		For:     forWorkers,
		Default: "15s", Internal: true, Min: "0s", Max: "15m",
		Summary: "Time between retries of a file.",
		Text:    "The first retry is made immediately; this is the wait before each one after it.",
	},
	{
		Name: "process", Type: Integer, Section: CommandOnly,
		For:      forChildren,
		Optional: true, Internal: true, Min: "0", Max: "1024",
		Summary: "Number of a child process.",
		Text: "It tells the messages and log files of several children apart. The process that was started first by the main " +
			"process on another host has number 0.",
	},
	{
		Name: "process-max", Type: Integer, HelpGroup: "general",
		For:     "archive-get:main,async archive-push:main,async backup:main restore:main verify:main",
		Default: "1", Min: "1", Max: "999",
		Summary: "Number of files to work on at the same time.",
		Text: "Compression and checksums need processor time, so more workers make a command faster until processors, disks or " +
			"network are busy. On a server that PostgreSQL shares, leave some processors to it.",
	},
	{
		Name: "protocol-timeout", Type: Time, HelpGroup: "general",
		For: "annotate archive-get archive-push backup check expire info manifest repo-get repo-ls repo-rm " +
			"restore server stanza-create stanza-delete stanza-upgrade verify",
		Default: "31m", Min: "100ms", Max: "7d",
		Summary: "Longest wait for a process on another host.",
		Text: "If nothing has been heard from the other side for this long, the connection is given up. Since the other side " +
			"may be waiting for the database, the value must be greater than db-timeout.",
	},
	{
		Name: "remote-type", Type: String, Section: CommandOnly,
		For:      forChildren,
		Optional: true, Internal: true,
		Allow:   []string{"pg", "repo"},
		Summary: "What a process on another host works on.",
		Text:    "A process started on another host either serves a repository or the files of a cluster.",
	},
	{
		Name: "sck-block", Type: Boolean,
		For:     forIO,
		Default: "n", Internal: true,
		Summary: "Use blocking sockets.",
		Text:    "Connections are normally non-blocking, which is how time limits are kept. Blocking sockets exist for testing.",
	},
	{
		Name: "sck-keep-alive", Type: Boolean, HelpGroup: "general",
		For:     forIO,
		Default: "y",
		Summary: "Keep idle connections alive.",
		Text: "The system sends small packets over connections on which nothing moves. Firewalls then do not forget about " +
			"them, and a peer that has gone is noticed.",
	},
	{
		Name: "tcp-keep-alive-count", Type: Integer, HelpGroup: "general",
		For:      forIO,
		Optional: true, Min: "1", Max: "32",
		Depend:  Depend{Option: "sck-keep-alive", Values: []string{"y"}},
		Summary: "Unanswered packets until a connection is dead.",
		Text: "After this many keep-alive packets in a row without an answer the connection is closed. Without a value the " +
			"system decides.",
	},
	{
		Name: "tcp-keep-alive-idle", Type: Integer, HelpGroup: "general",
		For:      forIO,
		Optional: true, Min: "1", Max: "3600",
		Depend:  Depend{Option: "sck-keep-alive", Values: []string{"y"}},
		Summary: "Seconds of silence before the first keep-alive packet.",
		Text: "Choose it shorter than the time after which the firewalls on the way forget a connection. Without a value the " +
			"system decides.",
	},
	{
		Name: "tcp-keep-alive-interval", Type: Integer, HelpGroup: "general",
		For:      forIO,
		Optional: true, Min: "1", Max: "900",
		Depend:  Depend{Option: "sck-keep-alive", Values: []string{"y"}},
		Summary: "Seconds between keep-alive packets.",
		Text:    "This is the time to wait for an answer before the next packet is sent. Without a value the system decides.",
	},
	{
		Name: "tls-cipher-12", Type: String, HelpGroup: "general",
		For:      forIO,
		Optional: true,
		Summary:  "Ciphers for TLS 1.2.",
		Text: "A list of cipher names separated by colons, in the form OpenSSL uses. It applies to connections that use TLS " +
			"1.2; without it the defaults of the TLS library hold.",
	},
	{
		Name: "tls-cipher-13", Type: String, HelpGroup: "general",
		For:      forIO,
		Optional: true,
		Summary:  "Cipher suites for TLS 1.3.",
		Text: "A list of cipher suites separated by colons. It applies to connections that use TLS 1.3; without it the " +
			"defaults of the TLS library hold.",
	},
	{
		Name: "tls-server-address", Type: String, HelpGroup: "command",
		For:     "server server-ping",
		Default: "localhost",
		Summary: "Address the server listens on.",
		Text: "This is a name or an address of this host, or * for all addresses of IPv4. By default only connections from the " +
			"host itself are accepted.",
	},
	{
		Name: "tls-server-auth", Type: Hash, HelpGroup: "command",
		For:     "server",
		Summary: "Clients and the stanzas they may use.",
		Text: "Each entry has the form name=stanza, where the name is the common name in the client's certificate; several " +
			"stanzas are separated by commas, and * stands for all. Repeat the option for several clients. Clients that are " +
			"not listed are turned away.",
	},
	{
		Name: "tls-server-ca-file", Type: Path, HelpGroup: "command",
		For:     "server",
		Summary: "Certificate authority for client certificates.",
		Text:    "A client is accepted only if its certificate was signed by an authority in this file.",
	},
	{
		Name: "tls-server-cert-file", Type: Path, HelpGroup: "command",
		For:     "server",
		Summary: "Certificate of the server.",
		Text:    "Clients check this certificate when they connect, so it must carry the name they use for this host.",
	},
	{
		Name: "tls-server-key-file", Type: Path, HelpGroup: "command",
		For:     "server",
		Summary: "Private key of the server's certificate.",
		Text:    "The file must be readable for nobody but the account the server runs under; others are refused.",
	},
	{
		Name: "tls-server-port", Type: Integer, HelpGroup: "command",
		For:     "server server-ping",
		Default: "8432", Min: "1", Max: "65535",
		Summary: "Port the server listens on.",
		Text:    "Clients have to use the same port; see pg-host-port and repo-host-port.",
	},
}
