package db

import (
	"testing"

	"holdfast/internal/errs"
	"holdfast/internal/postgres"
)

// TestStandbyOfAnother: the files of two clusters are never mixed.
func TestStandbyOfAnother(t *testing.T) {
	primary := &Cluster{Key: 1, Control: postgres.Control{SystemID: 11}}
	standby := &Cluster{Key: 2, Control: postgres.Control{SystemID: 11}}
	if err := complete(primary, standby, StandbyYes, nil); err != nil {
		t.Error(err)
	}
	standby.Control.SystemID = 12
	for _, mode := range []Standby{StandbyYes, StandbyPrefer} {
		err := complete(primary, standby, mode, nil)
		if !errs.Is(err, errs.DbMismatch) || err.Error() != "standby pg2 has system-id 12 but primary pg1 has 11" {
			t.Error(err)
		}
	}
}
