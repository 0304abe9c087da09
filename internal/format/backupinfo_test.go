package format

import (
	"bytes"
	"reflect"
	"slices"
	"strings"
	"testing"

	"holdfast/internal/errs"
)

func decodeBackupInfo(t *testing.T, name string) *BackupInfo {
	t.Helper()
	info, err := DecodeBackupInfo(bytes.NewReader(testdata(t, name)[name]))
	if err != nil {
		t.Fatal(err)
	}
	return info
}

func ptr[T any](v T) *T { return &v }

func TestBackupInfo(t *testing.T) {
	info := decodeBackupInfo(t, "plain.backup.info")
	db := BackupDB{ID: 1, SystemID: 7710382814157307616, Version: "15", CatalogVersion: 202209061, ControlVersion: 1300}
	if info.Program != "2.60.0dev" || info.CipherPass != "" || info.DB != db || !slices.Equal(info.History, []BackupDB{db}) {
		t.Errorf("head is %q %q %+v %+v", info.Program, info.CipherPass, info.DB, info.History)
	}
	full, found := info.Backup("20261120-222316F")
	want := Backup{
		Label: "20261120-222316F", Format: 5, Program: "2.60.0dev", Type: Full, ArchiveStart: "00000001000000000000001A",
		ArchiveStop: "00000001000000000000001A", LSNStart: "0/1A00028", LSNStop: "0/1A00100", TimestampStart: 1795213396,
		TimestampStop: 1795213397, DBID: 1, Error: ptr(false),
		Annotations: map[string]string{"note": `quote " and \\ backslash`, "source": "demo"},
		Size:        20297699, SizeDelta: 20297699, RepoSize: 20297699, RepoSizeDelta: 20297699,
		OptArchiveCheck: true, OptChecksumPage: true, OptOnline: true,
	}
	if !found || !reflect.DeepEqual(full, want) {
		t.Errorf("full is %+v\nwant %+v", full, want)
	}
	incr := info.Backups[2]
	if incr.Type != Incr || incr.Prior != info.Backups[1].Label || len(incr.References) != 2 {
		t.Errorf("incr is %+v", incr)
	}
	if _, found := info.Backup("20261120-222316F_20261120-222319I"); found {
		t.Error("found a backup that is not there")
	}
	block := decodeBackupInfo(t, "block.backup.info").Backups[1]
	if block.RepoSizeMap == nil || *block.RepoSizeMap == 0 || block.RepoSizeMapDelta == nil {
		t.Errorf("block incremental backup is %+v", block)
	}
	offline := decodeBackupInfo(t, "offline.backup.info").Backups[2]
	if offline.ArchiveStart != "" || offline.LSNStart != "" || offline.OptOnline {
		t.Errorf("offline backup is %+v", offline)
	}
}

func TestBackupInfoAddRemove(t *testing.T) {
	info := &BackupInfo{}
	for _, label := range []string{"20260103-000000F", "20260101-000000F", "20260102-000000F", "20260101-000000F"} {
		info.Add(Backup{Label: label, DBID: len(info.Backups)})
	}
	info.Remove("20260102-000000F")
	info.Remove("20260102-000000F")
	want := []Backup{{Label: "20260101-000000F", DBID: 3}, {Label: "20260103-000000F", DBID: 0}}
	if !reflect.DeepEqual(info.Backups, want) {
		t.Errorf("got %+v\nwant %+v", info.Backups, want)
	}
}

func TestDependents(t *testing.T) {
	const f1, d1, i1, i2, d2, i3, f2 = "20260101-000000F", "20260101-000000F_20260102-000000D", "20260101-000000F_20260103-000000I",
		"20260101-000000F_20260104-000000I", "20260101-000000F_20260105-000000D", "20260101-000000F_20260106-000000I", "20260107-000000F"
	info := &BackupInfo{Backups: []Backup{
		{Label: f1}, {Label: d1, Prior: f1, References: []string{f1}}, {Label: i1, Prior: d1, References: []string{d1, f1}},
		{Label: i2, Prior: i1, References: []string{i1}}, {Label: d2, Prior: f1}, {Label: i3, References: []string{f1, d2}}, {Label: f2},
	}}
	tests := []struct {
		label string
		want  []string
	}{
		{f1, []string{i3, d2, i2, i1, d1, f1}},
		{d1, []string{i2, i1, d1}},
		{i1, []string{i2, i1}},
		{i2, []string{i2}},
		{d2, []string{i3, d2}},
		{f2, []string{f2}},
		{"20250101-000000F", []string{"20250101-000000F"}},
	}
	for _, tt := range tests {
		if got := info.Dependents(tt.label); !slices.Equal(got, tt.want) {
			t.Errorf("dependents of %s are %v, want %v", tt.label, got, tt.want)
		}
	}
}

func TestBackupInfoRefused(t *testing.T) {
	valid := string(testdata(t, "plain.backup.info")["plain.backup.info"])
	body, _, _ := strings.Cut(valid[strings.Index(valid, "[backup:current]"):], "\n[backrest]")
	if _, err := DecodeBackupInfo(strings.NewReader(seal(body))); err != nil {
		t.Fatalf("not even the original is read: %v", err)
	}
	tests := []struct {
		name, from, to string
		code           errs.Code
		message        string
	}{
		{"keys swapped", `"backup-type":"full","db-id":1`, `"db-id":1,"backup-type":"full"`, errs.JsonFormat,
			"required key 'backup-type' not found"},
		{"no size", `"backup-info-size":20297699,`, ``, errs.JsonFormat, "required key 'backup-info-size' not found"},
		{"no archive start", `"backup-archive-start":"00000001000000000000001A",`, ``, errs.JsonFormat,
			"required key 'backup-archive-start' not found"},
		{"type", `"backup-type":"full"`, `"backup-type":"half"`, errs.Format, "invalid backup type 'half'"},
		{"label", "\n20261120-222316F=", "\n../../../x=", errs.Format, "'../../../x' is not a backup label"},
		{"prior", `"backup-prior":"20261120-222316F"`, `"backup-prior":"/"`, errs.Format, "'/' is not a backup label"},
		{"reference", `"backup-reference":["20261120-222316F"]`, `"backup-reference":[".."]`, errs.Format, "'..' is not a backup label"},
		{"references", `"backup-reference":["20261120-222316F"]`, `"backup-reference":"x"`, errs.JsonFormat,
			"key 'backup-reference': expected array but found string"},
		{"time", `"backup-timestamp-start":1795213396`, `"backup-timestamp-start":-1`, errs.JsonFormat,
			"key 'backup-timestamp-start': number -1 is out of range"},
		{"annotation", `"source":"demo"`, `"source":1`, errs.JsonFormat,
			"key 'backup-annotation': key 'source': expected string but found number"},
		{"history", "1={", "2={", errs.Format, "unable to find current id in history"},
		{"twice", "\n20261120-222316F_20261120-222318D=", "\n20261120-222316F=", errs.Format, "'20261120-222316F' occurs twice"},
	}
	for _, tt := range tests {
		changed := strings.Replace(body, tt.from, tt.to, 1)
		if changed == body {
			t.Fatalf("%s: nothing changed", tt.name)
		}
		_, err := DecodeBackupInfo(strings.NewReader(seal(changed)))
		if errs.CodeOf(err) != tt.code || err.Error() != tt.message {
			t.Errorf("%s: error is [%d] %v\nwant [%d] %s", tt.name, errs.CodeOf(err), err, tt.code, tt.message)
		}
	}
	for _, unknown := range []struct{ from, to string }{
		{`{"backrest-format":5`, `{"a":[],"backrest-format":5`},
		{`"db-id":1,"option`, `"db-id":1,"news":{"a":1},"option`},
		{`[db]`, "[news]\na=1\n\n[db]\nnews=1"},
	} {
		if _, err := DecodeBackupInfo(strings.NewReader(seal(strings.Replace(body, unknown.from, unknown.to, 1)))); err != nil {
			t.Errorf("with %s: %v", unknown.to, err)
		}
	}
}

func TestAnnotationsThatCannotBeRead(t *testing.T) {
	info := decodeBackupInfo(t, "plain.backup.info")
	info.Backups[0].Annotations = map[string]string{`a"b`: "x"}
	if err := info.Encode(&bytes.Buffer{}); !errs.Is(err, errs.Format) {
		t.Errorf("error is %v", err)
	}
}
