package command

import (
	"context"

	"holdfast/internal/backup"
	"holdfast/internal/config"
	"holdfast/internal/db"
	"holdfast/internal/filter"
	"holdfast/internal/format"
	"holdfast/internal/repo"
)

// runBackup makes a backup in one repository. The main path goes on to expire by itself.
func runBackup(ctx context.Context, s *session) error {
	if !s.cfg.Has("repo") && len(s.cfg.Keys("repo")) > 1 {
		s.log.Info("repo option not specified, defaulting to repo%d", s.cfg.DefaultKey("repo"))
	}
	r, err := s.defaultRepo(ctx)
	if err != nil {
		return err
	}
	options, err := s.backupOptions(r)
	if err != nil {
		return err
	}
	result, err := backup.Run(ctx, options)
	if err != nil {
		return err
	}
	if result.ChecksumWarnings > 0 {
		s.log.Warn("backup command encountered %d checksum warning(s), check the log file for details", result.ChecksumWarnings)
	}
	return nil
}

// backupOptions turns options of the command into those of the job.
func (s *session) backupOptions(r *repo.Repo) (backup.Options, error) {
	cfg := s.cfg
	compression, err := filter.ParseCompression(cfg.String("compress-type"))
	if err != nil {
		return backup.Options{}, err
	}
	o := backup.Options{
		Repo:     r,
		Log:      s.log,
		Progress: s.progress(r.Key()),
		Cluster:  s.backupCluster,

		Type:   format.BackupType(cfg.String("type")),
		Online: cfg.Bool("online"),
		Force:  boolOf(cfg, "force"),
		Resume: cfg.Bool("resume"),
		Delta:  cfg.Bool("delta"),

		StartFast:      boolOf(cfg, "start-fast"),
		DBTimeout:      cfg.Duration("db-timeout"),
		ArchiveCheck:   boolOf(cfg, "archive-check"),
		ArchiveCopy:    boolOf(cfg, "archive-copy"),
		ArchiveTimeout: cfg.Duration("archive-timeout"),

		PageHeaderCheck: boolOf(cfg, "page-header-check"),
		PageErrors:      boolOf(cfg, "checksum-page-error"),

		Compression:   compression,
		CompressLevel: int(intOf(cfg, "compress-level")),
		BufferSize:    int(cfg.Size("buffer-size")),

		ProcessMax:       int(cfg.Int("process-max")),
		JobRetry:         int(intOf(cfg, "job-retry")),
		JobRetryInterval: cfg.Duration("job-retry-interval"),
	}
	o.CompressLevelNetwork = int(intOf(cfg, "compress-level-network"))
	if cfg.Has("checksum-page") {
		check := cfg.Bool("checksum-page")
		o.ChecksumPage = &check
	}
	if cfg.Has("exclude") {
		o.Exclude = cfg.List("exclude")
	}
	if cfg.Has("annotation") {
		o.Annotations = cfg.Hash("annotation")
	}
	if cfg.Has("manifest-save-threshold") {
		o.ManifestSaveThreshold = cfg.Size("manifest-save-threshold")
	}
	return o, s.bundleOptions(&o, r.Key())
}

// boolOf returns an option that may be without a value, because another option makes it meaningless.
func boolOf(cfg *config.Config, option string) bool { return cfg.Has(option) && cfg.Bool(option) }

func intOf(cfg *config.Config, option string) int64 {
	if !cfg.Has(option) {
		return 0
	}
	return cfg.Int(option)
}

// backupCluster finds what to back up: the running primary or, offline, the first data directory.
func (s *session) backupCluster(ctx context.Context) (*backup.Cluster, error) {
	clusters, err := s.clusters(ctx)
	if err != nil {
		return nil, err
	}
	if !s.cfg.Bool("online") {
		if s.cfg.String("backup-standby") != "n" {
			s.log.Warn("option backup-standby is enabled but backup is offline - backups will be performed from the primary")
		}
		c := clusters[0]
		_, control, err := db.ReadControl(ctx, c.Tree, c.Path, c.Force)
		return &backup.Cluster{
			Host: s.pgHost(c.Key), Path: c.Path, Tree: c.Tree, Reader: s.pgReader(ctx, c.Key), Force: c.Force, Control: control,
		}, err
	}
	primary, standby, err := db.Find(ctx, clusters, standbyMode[s.cfg.String("backup-standby")], s.log)
	if err != nil {
		return nil, err
	}
	check := func() error {
		return primary.CheckConfig(boolOf(s.cfg, "archive-check"), boolOf(s.cfg, "archive-mode-check"))
	}
	c := &backup.Cluster{
		Host: s.pgHost(primary.Key), Path: primary.Path, Tree: primary.Tree, Reader: s.pgReader(ctx, primary.Key), Force: clusters[0].Force,
		Control: primary.Control, Server: primary.Conn, Ping: primary.Ping, Check: check,
	}
	if standby == nil {
		return c, nil
	}
	c.Standby = &backup.Standby{
		Host: s.pgHost(standby.Key), Path: standby.Path, Tree: standby.Tree, Reader: s.pgReader(ctx, standby.Key),
		Replay: standby.WaitReplay, Close: standby.Close,
	}
	c.Ping = func(ctx context.Context, force bool) error {
		if err := primary.Ping(ctx, force); err != nil {
			return err
		}
		return standby.Ping(ctx, force)
	}
	return c, nil
}

// standbyMode is what the values of backup-standby mean.
var standbyMode = map[string]db.Standby{"y": db.StandbyYes, "prefer": db.StandbyPrefer, "n": db.StandbyNo}
