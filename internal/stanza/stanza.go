// Package stanza makes repositories know a cluster, lets them follow it through an upgrade, makes them forget it, and checks that
// archiving into them works.
//
// A stanza exists in a repository when both of its info files do. Each carries the history of the cluster (version and system
// identifier), and everything here turns on three agreements: of a file with its copy, of archive.info with backup.info, and of both
// with the running cluster.
//
// Locks and the test for a stop file belong to the caller; both come before anything of this package.
package stanza

import (
	"context"

	"holdfast/internal/db"
	"holdfast/internal/errs"
	"holdfast/internal/format"
	"holdfast/internal/log"
	"holdfast/internal/postgres"
	"holdfast/internal/repo"
)

// Options is what Create and Upgrade need.
type Options struct {
	Log      *log.Logger
	Stanza   string
	Repos    []*repo.Repo       // in key order
	Clusters []db.ClusterConfig // in key order; not online the first one is the cluster
	Online   bool               // ask the running server; otherwise believe its control file
}

// database returns what is known of the cluster the stanza is for.
func (o Options) database(ctx context.Context) (postgres.Control, error) {
	if !o.Online {
		if len(o.Clusters) == 0 {
			return postgres.Control{}, errs.New(errs.Config, "no database found").Hint("check indexed pg-path/pg-host configurations")
		}
		c := o.Clusters[0]
		_, control, err := db.ReadControl(ctx, c.Tree, c.Path, c.Force)
		return control, err
	}
	primary, _, err := db.Find(ctx, o.Clusters, db.StandbyNo, o.Log)
	if err != nil {
		return postgres.Control{}, err
	}
	defer primary.Close(ctx)
	return primary.Control, primary.CheckConfig(false, false)
}

// checkDatabase makes sure that the info files, which agree with each other, speak of this cluster.
func checkDatabase(archive *format.ArchiveInfo, control postgres.Control) error {
	if isCurrent(archive.DB.Version, archive.DB.SystemID, control) {
		return nil
	}
	return errs.New(errs.FileInvalid, "backup and archive info files exist but do not match the database").
		Hint("is this the correct stanza?").
		Hint("did an error occur during stanza-upgrade?")
}

// checkStanza reads both info files of a stanza and makes sure of all agreements.
func checkStanza(ctx context.Context, r *repo.Repo, control postgres.Control) (*format.ArchiveInfo, error) {
	archive, backup, err := loadInfo(ctx, r)
	if err != nil {
		return nil, err
	}
	if err := repo.CheckInfo(archive, backup); err != nil {
		return nil, err
	}
	return archive, checkDatabase(archive, control)
}

func loadInfo(ctx context.Context, r *repo.Repo) (*format.ArchiveInfo, *format.BackupInfo, error) {
	archive, err := r.LoadArchiveInfo(ctx)
	if err != nil {
		return nil, nil, err
	}
	backup, err := r.LoadBackupInfo(ctx)
	return archive, backup, err
}

// isCurrent reports whether an entry of a history is about the cluster.
func isCurrent(version string, systemID uint64, control postgres.Control) bool {
	return version == control.Version.String() && systemID == control.SystemID
}
