package postgres_test

import (
	"testing"

	"holdfast/internal/errs"
	"holdfast/internal/postgres"
)

func TestVersion(t *testing.T) {
	for s, want := range map[string]postgres.Version{
		"9.4": 90400, "9.6": postgres.Version96, "10": postgres.Version10, "15": postgres.Version15, "19": postgres.Version19, "8.3": 80300,
	} {
		got, err := postgres.ParseVersion(s)
		if err != nil || got != want || got.String() != s {
			t.Errorf("%s: got %d (%s), %v", s, got, got, err)
		}
	}
	for _, s := range []string{"", "9", "9.", ".6", "15.1", "x", "1x", "-1", "015", "9.06", "0", "0.1", "100", "15 "} {
		if _, err := postgres.ParseVersion(s); !errs.Is(err, errs.Format) {
			t.Errorf("%q: %v", s, err)
		}
	}
	for num, want := range map[int]postgres.Version{90624: 90600, 100023: 100000, 150018: 150000, 190000: 190000} {
		if got := postgres.VersionOf(num); got != want {
			t.Errorf("%d: got %d, want %d", num, got, want)
		}
	}
}

func TestVersionFacts(t *testing.T) {
	v96, v10 := postgres.Version96, postgres.Version10
	if v96.WALDir() != "pg_xlog" || v96.XactDir() != "pg_clog" || v10.WALDir() != "pg_wal" || v10.XactDir() != "pg_xact" {
		t.Error("wrong directory")
	}
	if !postgres.Version11.RecoveryConf() || postgres.Version12.RecoveryConf() {
		t.Error("wrong place for recovery settings")
	}
	if got := postgres.TablespaceDir(postgres.Version15, 202209061); got != "PG_15_202209061" {
		t.Error(got)
	}
	if got := postgres.TablespaceDir(v96, 201608131); got != "PG_9.6_201608131" {
		t.Error(got)
	}
	if got := postgres.Versions(); len(got) != 11 || got[0] != v96 || !got[10].Supported() || postgres.Version(90500).Supported() {
		t.Error(got)
	}
}
