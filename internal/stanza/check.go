package stanza

import (
	"context"
	"time"

	"holdfast/internal/db"
	"holdfast/internal/errs"
	"holdfast/internal/log"
	"holdfast/internal/postgres"
	"holdfast/internal/repo"
	"holdfast/internal/storage"
)

// restorePoint names the record that makes sure there is something to switch away from. Administrators know it by this name.
const restorePoint = "pgBackRest Archive Check"

// CheckOptions is what Check needs.
type CheckOptions struct {
	Log              *log.Logger
	Stanza           string
	Repos            []*repo.Repo       // in key order
	Clusters         []db.ClusterConfig // in key order
	RepoHere         bool               // a repository is on this host
	StandbyWanted    bool               // backups are meant to be taken from a standby
	ArchiveCheck     bool               // look at archive_mode and archive_command
	ArchiveModeCheck bool               // refuse archive_mode=always
	ArchiveTimeout   time.Duration
}

// primary is what is asked of a running primary, which tests replace.
type primary interface {
	RestorePoint(ctx context.Context, name string) error
	SwitchWAL(ctx context.Context) (segment string, err error)
}

// Check makes sure that the clusters can be reached, that the repositories are meant for them, and that WAL really arrives: it
// switches to a new segment and waits until the old one is in every repository. All repositories are looked at before WAL is
// switched, and the first failure ends the check.
func Check(ctx context.Context, o CheckOptions) error {
	main, standby, err := db.Find(ctx, o.Clusters, db.StandbyOptional, o.Log)
	if err != nil {
		return err
	}
	defer main.Close(ctx)
	defer standby.Close(ctx)
	for _, c := range o.Clusters {
		if err := c.Tree.List(ctx, c.Path, func(storage.Info) error { return nil }); err != nil {
			return err
		}
	}
	if standby != nil {
		// On its own host a standby may be the only cluster that is known. Where several are, or a repository, the primary must be, too.
		if main == nil && (len(o.Clusters) > 1 || o.RepoHere) {
			return errs.New(errs.Config, "primary database not found").Hint("check indexed pg-path/pg-host configurations")
		}
		if err := standby.CheckConfig(false, false); err != nil {
			return err
		}
		if err := o.checkStandby(ctx, standby.Control); err != nil {
			return err
		}
	} else if o.StandbyWanted {
		o.Log.Warn("option 'backup-standby' is enabled but standby is not properly configured")
	}
	if main == nil {
		return nil
	}
	if err := main.CheckConfig(o.ArchiveCheck, o.ArchiveModeCheck); err != nil {
		return err
	}
	return o.checkPrimary(ctx, main.Conn, main.Control)
}

// checkStandby compares a standby with the repositories.
func (o CheckOptions) checkStandby(ctx context.Context, control postgres.Control) error {
	for _, r := range o.Repos {
		o.Log.Info("check %s (standby)", r.Name())
		if _, err := checkStanza(ctx, r, control); err != nil {
			return err
		}
	}
	o.Log.Info("switch wal not performed because this is a standby")
	return nil
}

// checkPrimary compares the primary with the repositories and then watches a WAL segment arrive in them.
func (o CheckOptions) checkPrimary(ctx context.Context, server primary, control postgres.Control) error {
	archiveID := make([]string, len(o.Repos))
	for i, r := range o.Repos {
		o.Log.Info("check %s configuration (primary)", r.Name())
		archive, err := checkStanza(ctx, r, control)
		if err != nil {
			return err
		}
		archiveID[i] = archive.DB.ArchiveID()
	}
	if err := server.RestorePoint(ctx, restorePoint); err != nil {
		return err
	}
	segment, err := server.SwitchWAL(ctx)
	if err != nil {
		return err
	}
	for i, r := range o.Repos {
		o.Log.Info("check %s archive for WAL (primary)", r.Name())
		stored, err := r.WaitSegment(ctx, archiveID[i], segment, o.ArchiveTimeout)
		if err != nil {
			return err
		}
		o.Log.Info("WAL segment %s successfully archived to '%s' on %s", segment, stored.Path(), r.Name())
	}
	return nil
}
