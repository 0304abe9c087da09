package command

import "context"

// entry says how a command is run.
type entry struct {
	run func(context.Context, *session) error // nil: a later version brings it
	// stops is set for commands that refuse to start while a stop file exists.
	stops bool
}

// table is the contents of the program. Help needs no row: Main explains instead of running whatever command is named. What only the
// program itself runs is named with its role.
func table() map[string]entry {
	return map[string]entry{
		"annotate":       {run: runAnnotate},
		"archive-get":    {run: runArchiveGet},
		"archive-push":   {run: runArchivePush, stops: true},
		"backup":         {run: runBackup, stops: true},
		"check":          {run: runCheck},
		"demo":           {run: runDemo},
		"expire":         {run: runExpire, stops: true},
		"info":           {run: runInfo},
		"manifest":       {run: runManifest},
		"repo-get":       {run: runRepoGet},
		"repo-ls":        {run: runRepoLs},
		"repo-rm":        {run: runRepoRm},
		"restore":        {run: runRestore},
		"server":         {run: runServer},
		"server-ping":    {run: runServerPing},
		"stanza-create":  {run: runStanzaCreate, stops: true},
		"stanza-delete":  {run: runStanzaDelete},
		"stanza-upgrade": {run: runStanzaUpgrade, stops: true},
		"start":          {run: runStart},
		"stop":           {run: runStop},
		"verify":         {run: runVerify},
		"version":        {run: runVersion},

		"archive-get:async":  {run: runArchiveGetAsync},
		"archive-push:async": {run: runArchivePushAsync}, // looks for stop files itself, to leave a note
	}
}
