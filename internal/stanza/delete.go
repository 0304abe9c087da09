package stanza

import (
	"context"

	"holdfast/internal/errs"
	"holdfast/internal/lock"
	"holdfast/internal/log"
	"holdfast/internal/repo"
	"holdfast/internal/storage"
)

// DeleteOptions is what Delete needs.
type DeleteOptions struct {
	Log      *log.Logger
	Stanza   string
	Repo     *repo.Repo
	LockPath string // where the stop file lies
	Force    bool   // even if PostgreSQL looks like running

	Cluster storage.Storage // with ClusterPath, where to look for a running server; nil: nowhere
	PgPath  string
}

// Delete removes everything a repository has of the stanza. The stanza must have been stopped, which only an administrator on this
// host can have done.
//
// The info files go first: whenever the work is cut off, what is left can be used by nobody and be deleted again.
func Delete(ctx context.Context, o DeleteOptions) error {
	exists, content, err := o.survey(ctx)
	if err != nil || !exists {
		return err
	}
	if content {
		if err := o.checkStopped(ctx); err != nil {
			return err
		}
	}
	for _, name := range []string{repo.ArchiveInfoFile, repo.BackupInfoFile} {
		if err := removeInfo(ctx, o.Repo, name); err != nil {
			return err
		}
	}
	for _, dir := range []string{o.Repo.ArchivePath(), o.Repo.BackupPath()} {
		if err := o.Repo.Storage().RemoveAll(ctx, dir); err != nil {
			return err
		}
	}
	_, err = lock.Start(o.LockPath, o.Stanza)
	return err
}

// survey reports whether the stanza has a directory, and whether there is anything in it.
func (o DeleteOptions) survey(ctx context.Context) (exists, content bool, err error) {
	for _, dir := range []string{o.Repo.ArchivePath(), o.Repo.BackupPath()} {
		err := o.Repo.Storage().List(ctx, dir, func(storage.Info) error {
			content = true
			return nil
		})
		if err == nil {
			exists = true
		} else if !errs.Is(err, errs.PathMissing) {
			return false, false, err
		}
	}
	return exists, content, nil
}

// checkStopped makes sure that the stanza was stopped and, unless forced, that no server seems to run.
func (o DeleteOptions) checkStopped(ctx context.Context) error {
	stopped, err := lock.Stopped(o.LockPath, o.Stanza)
	if err != nil {
		return err
	}
	if !stopped {
		return errs.New(errs.FileMissing, "stop file does not exist for stanza '%s'", o.Stanza).
			Hint("has the pgbackrest stop command been run on this server for this stanza?")
	}
	if o.Force || o.Cluster == nil {
		return nil
	}
	running, err := storage.Exists(ctx, o.Cluster, o.PgPath+"/postmaster.pid")
	if err == nil && running {
		return errs.New(errs.PgRunning, "postmaster.pid exists - looks like PostgreSQL is running. To delete stanza '%s' on %s, shut"+
			" down PostgreSQL for stanza '%s' and try again, or use --force.", o.Stanza, o.Repo.Name(), o.Stanza)
	}
	return err
}
