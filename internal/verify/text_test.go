package verify

import "testing"

// The texts are recorded outputs of the original program.
func TestText(t *testing.T) {
	full, full2 := "20261120-215552F", "20261120-215629F"
	broken := &Result{
		Stanza: "demo", Failed: true,
		Archives: []*Archive{{ID: "15-1", Tally: Tally{Total: 7, Valid: 6, Other: 1}}, {ID: "14-9"}},
		Backups: []*Backup{
			{Label: full, Status: Invalid, Tally: Tally{Total: 967, Valid: 965, Missing: 1, Checksum: 1}},
			{Label: full + "_20261120-215557D", Status: Invalid, Tally: Tally{Total: 970, Valid: 969, Missing: 1}},
			{Label: full + "_20261120-215558I", Status: Valid, Tally: Tally{Total: 971, Valid: 971}},
			{Label: full2, Status: ManifestMissing},
			{Label: "20261120-230000F", Status: InProgress},
		},
	}
	for _, test := range []struct {
		result  *Result
		verbose bool
		want    string
	}{
		{broken, false, `stanza: demo
status: error
  archiveId: 15-1, total WAL checked: 7, total valid WAL: 6
    other: 1
  backup: 20261120-215552F, status: invalid, total files checked: 967, total valid files: 965
    missing: 1, checksum invalid: 1
  backup: 20261120-215552F_20261120-215557D, status: invalid, total files checked: 970, total valid files: 969
    missing: 1
  backup: 20261120-215629F, status: manifest missing, total files checked: 0, total valid files: 0`},
		{broken, true, `stanza: demo
status: error
  archiveId: 15-1, total WAL checked: 7, total valid WAL: 6
    missing: 0, checksum invalid: 0, size invalid: 0, other: 1
  archiveId: 14-9, total WAL checked: 0, total valid WAL: 0
  backup: 20261120-215552F, status: invalid, total files checked: 967, total valid files: 965
    missing: 1, checksum invalid: 1, size invalid: 0, other: 0
  backup: 20261120-215552F_20261120-215557D, status: invalid, total files checked: 970, total valid files: 969
    missing: 1, checksum invalid: 0, size invalid: 0, other: 0
  backup: 20261120-215552F_20261120-215558I, status: valid, total files checked: 971, total valid files: 971
    missing: 0, checksum invalid: 0, size invalid: 0, other: 0
  backup: 20261120-215629F, status: manifest missing, total files checked: 0, total valid files: 0
  backup: 20261120-230000F, status: in-progress, total files checked: 0, total valid files: 0`},
		{&Result{Stanza: "nope", Failed: true, Problem: "  No usable backup.info file\n  No usable archive.info file"}, false,
			"stanza: nope\nstatus: error\n  No usable backup.info file\n  No usable archive.info file"},
		{&Result{Stanza: "demo", Problem: "    no archives or backups exist in the repo"}, true,
			"stanza: demo\nstatus: ok\n    no archives or backups exist in the repo"},
		{&Result{Stanza: "demo", Problem: "    no archives or backups exist in the repo"}, false, ""},
		{&Result{Stanza: "demo"}, true, "stanza: demo\nstatus: ok\n  archiveId: none found\n  backup: none found"},
		{&Result{Stanza: "demo"}, false, ""},
	} {
		if got := test.result.Text(test.verbose); got != test.want {
			t.Errorf("got\n%s\nwant\n%s", got, test.want)
		}
	}
}
