// Package command is what the program does when it is called: it reads the options, opens repositories and servers, takes locks,
// runs one job, prints, logs and chooses the exit status. No other package does any of these.
//
// Main is shaped like a process with arguments, environment and streams as values, so that tests run the whole program within
// themselves. What happens to every command, in this order, because people see which step failed:
//
//	parse the options; warnings and errors so far go to stderr or, unformatted, to stdout
//	help and version end here
//	set up the log, refuse root, set umask and priority, open the log file, name the run, write the begin line
//	take the locks
//	check rules that span options, refuse what is not built yet, look for stop files
//	the command itself; for backup then expire, as a second command of the same run
//	write the error, release the locks, write the end line
//
// To add a command: describe it in package config, write a job that takes plain values, write
//
//	func runName(ctx context.Context, s *session) error
//
// in a file named after the command that turns options into those values (open.go opens repositories and servers, session.progress
// publishes progress in the lock file), and add a row to the table in table.go. An error it returns is logged here and its code is
// the exit status; a success that needs another exit status sets session.status. Output for people goes to session.env.Stdout.
package command
