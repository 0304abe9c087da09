package restore

import (
	"slices"
	"strings"
	"testing"

	"holdfast/internal/errs"
	"holdfast/internal/format"
	"holdfast/internal/log"
)

// TestSelect decides which databases are left empty (SN-413).
func TestSelect(t *testing.T) {
	// oid 7 has no name, 16500 is called postgres, 20000 lives in a tablespace only.
	m := &format.Manifest{
		Databases: []format.Database{
			{Name: "16401", ID: 20000}, {Name: "app", ID: 16401}, {Name: "gone", ID: 30000}, {Name: "postgres", ID: 16500},
			{Name: "template1", ID: 1},
		},
		Files: format.NewFiles([]format.File{
			{Name: "pg_data/PG_VERSION"}, {Name: "pg_data/base/1/PG_VERSION"}, {Name: "pg_data/base/16401/PG_VERSION"},
			{Name: "pg_data/base/16500/PG_VERSION"}, {Name: "pg_data/base/7/PG_VERSION"}, {Name: "pg_data/base/8/1259"},
			{Name: "pg_tblspc/16400/PG_15_202209061/20000/PG_VERSION"},
		}...),
	}
	const found = "DETAIL: databases found for selective restore (1, 16401, 16500, 20000, 7)\n"
	const all = "INFO: nothing to filter - all user databases have been selected\n"
	for _, test := range []struct {
		include, exclude string
		zeroed           string
		code             errs.Code
		text             string
	}{
		{"", "", "", errs.OK, ""},
		{"app", "", "20000", errs.OK, ""},
		{"20000", "", "16401", errs.OK, ""},
		{"16401", "", "20000", errs.OK, ""}, // the oid, not the database of that name
		{"app 20000", "", "", errs.OK, ""},
		{"", "app", "16401", errs.OK, ""},
		{"", "app app template1", "1 16401", errs.OK, ""},
		{"", "16500 20000", "16500 20000", errs.OK, ""},
		{"app", "template1", "1 20000", errs.OK, ""},
		{"app", "20000", "20000", errs.OK, ""},
		{"nope", "", "", errs.DbMissing, "database to include 'nope' does not exist"},
		{"", "nope", "", errs.DbMissing, "database to exclude 'nope' does not exist"},
		{"gone", "", "", errs.DbMissing, "database to include 'gone' does not exist"},
		{"8", "", "", errs.DbMissing, "database to include '8' does not exist"},
		{"postgres", "", "", errs.DbInvalid, "system databases (template0, postgres, etc.) are included by default"},
		{"16500", "", "", errs.DbInvalid, "system databases (template0, postgres, etc.) are included by default"},
		{"7", "", "", errs.DbInvalid, "system databases (template0, postgres, etc.) are included by default"},
		{"app", "16401", "", errs.DbInvalid, "database to include '16401' is in the exclude list"},
	} {
		logger, lines := log.Memory()
		r := &run{manifest: m, Options: Options{
			DBInclude: strings.Fields(test.include), DBExclude: strings.Fields(test.exclude), Log: logger,
		}}
		err := r.selectDatabases(t.Context())
		if errs.CodeOf(err) != test.code || err != nil && err.Error() != test.text {
			t.Errorf("%+v: [%d] %v", test, errs.CodeOf(err), err)
		}
		if err != nil {
			continue
		}
		want := ""
		if test.include+test.exclude != "" {
			want = found + all
			if test.zeroed != "" {
				want = found + "DETAIL: databases excluded (zeroed) from selective restore (" +
					strings.ReplaceAll(test.zeroed, " ", ", ") + ")\n"
			}
		}
		if lines.Text() != want {
			t.Errorf("%+v: logged %q", test, lines.Text())
		}
		for _, oid := range []string{"1", "7", "16401", "16500", "20000"} {
			zeroed := slices.Contains(strings.Fields(test.zeroed), oid)
			for name, want := range map[string]bool{
				"pg_data/base/" + oid + "/1259":                             zeroed,
				"pg_data/base/" + oid + "/pg_filenode.map":                  zeroed,
				"pg_tblspc/16400/PG_15_202209061/" + oid + "/1259":          zeroed,
				"pg_data/base/" + oid + "/PG_VERSION":                       false,
				"pg_tblspc/16400/PG_15_202209061/" + oid + "/PG_VERSION":    false,
				"pg_data/base/" + oid + "1/1259":                            false,
				"pg_data/global/" + oid:                                     false,
				"pg_tblspc/" + oid + "/PG_15_202209061/16402/1259":          false,
				"pg_data/extra/base/" + oid + "/1259":                       false,
				"pg_data/base/" + strings.Repeat("1", 9) + "/" + oid + "/x": false,
			} {
				if r.zeroed(name) != want {
					t.Errorf("%+v: %s", test, name)
				}
			}
		}
	}
}

func TestSelectNothing(t *testing.T) {
	logger, _ := log.Memory()
	r := &run{manifest: &format.Manifest{Files: format.NewFiles(format.File{Name: "pg_data/PG_VERSION"})},
		Options: Options{DBInclude: []string{"app"}, Log: logger}}
	err := r.selectDatabases(t.Context())
	if !errs.Is(err, errs.Format) || errs.Text(err) != "no databases found for selective restore\nHINT: is this a valid cluster?" {
		t.Errorf("%v", err)
	}
}
