package format

import (
	"bytes"
	"io"
	"math"
	"reflect"
	"slices"
	"strings"
	"testing"

	"holdfast/internal/errs"
)

func decodeManifest(t testing.TB, name string) *Manifest {
	t.Helper()
	m, err := DecodeManifest(bytes.NewReader(testdata(t, name)[name]))
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func mustSum(t testing.TB, text string) Sum {
	t.Helper()
	sum, err := ParseSum(text)
	if err != nil {
		t.Fatal(err)
	}
	return sum
}

func TestManifestHead(t *testing.T) {
	m := decodeManifest(t, "plain.manifest")
	m.Files, m.Paths = Files{}, nil
	standard := Defaults{User: "postgres", Group: "postgres", Mode: 0o600}
	want := &Manifest{
		Program: "2.60.0dev", Label: "20261120-222316F", Type: Full, References: []string{"20261120-222316F"},
		TimestampStart: 1795213396, TimestampCopyStart: 1795213397, TimestampStop: 1795213397,
		ArchiveStart: "00000001000000000000001A", ArchiveStop: "00000001000000000000001A", LSNStart: "0/1A00028", LSNStop: "0/1A00100",
		DB: BackupDB{ID: 1, SystemID: 7710382814157307616, Version: "15", CatalogVersion: 202209061, ControlVersion: 1300},
		Options: Options{
			ArchiveCheck: true, Online: true, CompressType: "none", BackupStandby: ptr(false), ChecksumPage: ptr(true), Delta: ptr(false),
			BufferSize: ptr[int64](1048576), CompressLevel: ptr[int64](0), CompressLevelNetwork: ptr[int64](1), ProcessMax: ptr[int64](1),
		},
		Targets: []Target{
			{Name: "pg_data", Path: "/srv/pg/data"},
			{Name: "pg_data/extra", Path: "../../ext/extra", Link: true},
			{Name: "pg_data/pg_hba.conf", Path: "/srv/ext", File: "hba.conf", Link: true},
			{Name: "pg_tblspc/16814", Path: "/srv/ts/ts1", Link: true, TablespaceID: "16814", TablespaceName: "ts1"},
		},
		Databases:   []Database{{"app", 16771, 0}, {"postgres", 16770, 0}, {"template1", 1, 0}},
		Annotations: map[string]string{"note": `quote " and \\ backslash`, "source": "demo"},
		Links: []Link{
			{"pg_data/extra", "../../ext/extra", "postgres", "postgres"},
			{"pg_data/pg_hba.conf", "/srv/ext/hba.conf", "postgres", "postgres"},
			{"pg_data/pg_tblspc/16814", "/srv/ts/ts1", "postgres", "postgres"},
		},
		FileDefault: standard, LinkDefault: Defaults{User: "postgres", Group: "postgres"},
		PathDefault: Defaults{User: "postgres", Group: "postgres", Mode: 0o700},
	}
	if !reflect.DeepEqual(m, want) {
		t.Errorf("got  %+v\nwant %+v", m, want)
	}
	for i, link := range []string{"/srv/pg/data", "../../ext/extra", "/srv/ext/hba.conf", "/srv/ts/ts1"} {
		if got := m.Targets[i].Destination(); got != link {
			t.Errorf("destination is %s, want %s", got, link)
		}
	}
}

func TestManifestFiles(t *testing.T) {
	tests := []struct {
		manifest string
		want     File
	}{
		{"plain.manifest", File{
			Name: `pg_data/odd/a = "b" [c].txt`, User: "postgres", Group: "postgres", Mode: 0o600,
			Size: 9, OriginalSize: 9, RepoSize: 9, Timestamp: 1795213395,
			Checksum: mustSum(t, "b2fff40a7a3a20cd84d7d8228fade34dfc41e5b7"), HasChecksum: true,
		}},
		{"plain.manifest", File{
			Name: "pg_data/odd/foreign.txt", Mode: 0o644, Size: 8, OriginalSize: 8, RepoSize: 8, Timestamp: 1795213395,
			Checksum: mustSum(t, "e70f35e484cf5f56105eeb65a06d2bd600dfd691"), HasChecksum: true,
		}},
		{"plain.manifest", File{
			Name: "pg_data/odd/empty.txt", User: "postgres", Group: "postgres", Mode: 0o600, Timestamp: 1795213395,
			Checksum: EmptySum, HasChecksum: true,
		}},
		{"pages.manifest", File{
			Name: "pg_data/base/16771/16830", User: "postgres", Group: "postgres", Mode: 0o600, Reference: "20261120-222330F",
			Size: 114688, OriginalSize: 114688, RepoSize: 3583, Timestamp: 1795213408,
			Checksum: mustSum(t, "1c8650736c4acd3a765151a8a48d9d9302a5c1c3"), HasChecksum: true,
			RepoChecksum: mustSum(t, "5cca1f96b620bfd938727ec871fbceba875b7a2a"), HasRepoChecksum: true,
			PageChecksum: PageError, PageErrors: []PageRange{{2, 2}, {5, 7}},
		}},
		{"pages.manifest", File{
			Name: "pg_data/pg_wal/00000001000000000000001D", User: "postgres", Group: "postgres", Mode: 0o600, Size: 1048576,
			OriginalSize: 1048576, RepoSize: 1219, Timestamp: 1795213416,
			Checksum: mustSum(t, "c39253ae225ac5fe1d9ad0fa005a8f1538e73d03"), HasChecksum: true,
		}},
		{"block.manifest", File{
			Name: "pg_data/odd/grow.txt", User: "postgres", Group: "postgres", Mode: 0o600, Reference: "20261120-222503F",
			Size: 20100, OriginalSize: 20100, RepoSize: 51, Timestamp: 1795213503, BundleID: 1, BundleOffset: 152218,
			BlockSize: 8192, BlockChecksumSize: 6, BlockMapSize: 29,
			Checksum: mustSum(t, "2945f6b067b7f9fb92a233596e97fc2289f117b2"), HasChecksum: true,
			RepoChecksum: mustSum(t, "1aa32519ff82a08f8772fbb8d22a6ea7356c87c8"), HasRepoChecksum: true,
		}},
		{"unfinished.manifest", File{
			Name: "pg_data/odd/zz.txt", User: "root", Group: "root", Mode: 0o600, Size: 2, OriginalSize: 2, RepoSize: 2,
			Timestamp: 1795213605,
		}},
	}
	for _, tt := range tests {
		m := decodeManifest(t, tt.manifest)
		if f := m.File(tt.want.Name); f == nil || !reflect.DeepEqual(*f, tt.want) {
			t.Errorf("%s: got  %+v\nwant %+v", tt.manifest, f, tt.want)
		}
		if m.File("pg_data/nothing") != nil || m.File("") != nil || m.File("z") != nil {
			t.Errorf("%s: found a file that is not there", tt.manifest)
		}
	}
}

// sample is a small manifest with all that is rare.
func sample() *Manifest {
	sum := Sum{1, 2, 3, 0xff}
	m := &Manifest{
		Program: "2.60.0", Label: "20260101-000000F_20260102-000000D", Prior: "20260101-000000F", Type: Diff,
		References:     []string{"20260101-000000F", "20260101-000000F_20260102-000000D"},
		TimestampStart: 10, TimestampCopyStart: 11, TimestampStop: 12,
		Bundle: true, BundleRaw: true, BlockIncr: true, CipherPass: "secret",
		DB:      BackupDB{ID: 1, SystemID: math.MaxUint64, Version: "9.6", CatalogVersion: 201608131, ControlVersion: 960},
		Options: Options{Compress: true, CompressType: "zst", CompressLevel: ptr[int64](-5), CompressLevelNetwork: ptr[int64](3)},
		Targets: []Target{{Name: "pg_data", Path: "/pg"}},
		Paths: []Path{
			{Name: "pg_data", Mode: 0o750, User: "pg"}, {Name: "pg_data/a", Mode: 0o700, User: "other", Group: "group"},
			{Name: "pg_data/b", Mode: 0o750},
		},
		Links: []Link{{Name: "pg_data/l", Destination: "/\"x\"\n", User: "pg"}, {Name: "pg_data/m", Destination: "m", Group: "g"}},
		Files: NewFiles([]File{
			{Name: "pg_data/1", User: "pg", Mode: 0o640, Size: 100, OriginalSize: 0, RepoSize: 7, Timestamp: -1,
				Checksum: sum, HasChecksum: true, BundleID: 3, BlockSize: 16384, BlockChecksumSize: 8, BlockMapSize: 5, PageChecksum: PageError},
			{Name: "pg_data/2", User: "pg", Mode: 0o7640, Size: 0, OriginalSize: 5, RepoSize: 0, BlockSize: 8192, BlockChecksumSize: 6,
				Checksum: EmptySum, HasChecksum: true, PageChecksum: PageOK},
			{Name: "pg_data/3=\\\r\t\"", Group: "g", Mode: 0o640, Size: 5, OriginalSize: 5, RepoSize: 5, Reference: "20260101-000000F",
				RepoChecksum: sum, HasRepoChecksum: true, Checksum: sum, HasChecksum: true,
				BlockSize: 8192, BlockChecksumSize: 6, BlockMapSize: 2, PageChecksum: PageError, PageErrors: []PageRange{{0, 1}, {3, 3}}},
		}...),
	}
	m.SetDefaults()
	return m
}

const sampleBody = `[backup]
backup-block-incr=true
backup-bundle=true
backup-bundle-raw=true
backup-label="20260101-000000F_20260102-000000D"
backup-prior="20260101-000000F"
backup-reference="20260101-000000F,20260101-000000F_20260102-000000D"
backup-timestamp-copy-start=11
backup-timestamp-start=10
backup-timestamp-stop=12
backup-type="diff"

[backup:db]
db-catalog-version=201608131
db-control-version=960
db-id=1
db-system-id=18446744073709551615
db-version="9.6"

[backup:option]
option-archive-check=false
option-archive-copy=false
option-compress=true
option-compress-level=4294967291
option-compress-level-network=3
option-compress-type="zst"
option-hardlink=false
option-online=false

[backup:target]
pg_data={"path":"/pg","type":"path"}

[cipher]
cipher-pass="secret"

[target:file]
pg_data/1={"bi":2,"bic":8,"bim":5,"bni":3,"checksum":"010203ff00000000000000000000000000000000","checksum-page":false,"repo-size":7,"size":100,"szo":0,"timestamp":-1}
pg_data/2={"bi":1,"checksum-page":true,"mode":"7640","size":0,"szo":5,"timestamp":0}
`

func TestManifestWritten(t *testing.T) {
	m := sample()
	m.Files.Update(2, func(f *File) { f.Name = "pg_data/3" })
	var out bytes.Buffer
	if err := m.Encode(&out); err != nil {
		t.Fatal(err)
	}
	expectSame(t, "manifest", out.String(), seal(sampleBody+
		`pg_data/3={"bi":1,"bim":2,"checksum":"010203ff00000000000000000000000000000000","checksum-page":false,"checksum-page-error":[[0,1],3],`+
		`"group":"g","rck":"010203ff00000000000000000000000000000000","reference":"20260101-000000F","size":5,"timestamp":0,"user":false}

[target:file:default]
group=false
mode="0640"
user="pg"

[target:link]
pg_data/l={"destination":"/\"x\"\n"}
pg_data/m={"destination":"m","group":"g","user":false}

[target:link:default]
group=false
user="pg"

[target:path]
pg_data={}
pg_data/a={"group":"group","mode":"0700","user":"other"}
pg_data/b={"user":false}

[target:path:default]
group=false
mode="0750"
user="pg"
`))
}

func TestManifestReadAgain(t *testing.T) {
	m := sample()
	var out bytes.Buffer
	if err := m.Encode(&out); err != nil {
		t.Fatal(err)
	}
	again, err := DecodeManifest(&out)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := again.Files.all(), m.Files.all(); !reflect.DeepEqual(got, want) {
		t.Errorf("files are  %+v\nwant %+v", got, want)
	}
	again.Files, m.Files = Files{}, Files{}
	if !reflect.DeepEqual(again, m) {
		t.Errorf("got  %+v\nwant %+v", again, m)
	}
}

func TestManifestOfManyFiles(t *testing.T) {
	m := large(20_000)
	var out bytes.Buffer
	if err := m.Encode(&out); err != nil {
		t.Fatal(err)
	}
	again, err := DecodeManifest(&out)
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(again.Files.all(), m.Files.all()) {
		t.Error("files differ")
	}
	if want := m.Files.At(12345); !reflect.DeepEqual(again.File(want.Name), &want) {
		t.Errorf("found %v", again.File(want.Name))
	}
}

func TestManifestNotWritten(t *testing.T) {
	tests := []struct {
		name  string
		spoil func(*Manifest)
		code  errs.Code
	}{
		{"line feed in a file", func(m *Manifest) { m.Files.Append(File{Name: "pg_data/4\n5"}) }, errs.Format},
		{"line feed in a path", func(m *Manifest) { m.Paths[2].Name = "pg_data/b\n" }, errs.Format},
		{"line feed in a link", func(m *Manifest) { m.Links[1].Name = "pg_data/m\n" }, errs.Format},
		{"line feed in a database", func(m *Manifest) { m.Databases = []Database{{Name: "a\nb"}} }, errs.Format},
		{"no name", func(m *Manifest) { m.Files.Update(0, func(f *File) { f.Name = "" }) }, errs.Format},
		{"files out of order", func(m *Manifest) { m.Files.Append(m.Files.At(0)) }, errs.Assert},
		{"file twice", func(m *Manifest) { m.Files.Set(1, m.Files.At(0)) }, errs.Assert},
		{"annotation with quotes", func(m *Manifest) { m.Annotations = map[string]string{`"`: ""} }, errs.Format},
	}
	for _, tt := range tests {
		m := sample()
		tt.spoil(m)
		if err := m.Encode(io.Discard); !errs.Is(err, tt.code) {
			t.Errorf("%s: error is %v", tt.name, err)
		}
	}
}

func TestManifestRefused(t *testing.T) {
	label := "[backup]\nbackup-label=\"20260101-000000F\"\nbackup-type=\"full\"\n"
	file := label + "[target:file]\n"
	tests := []struct {
		name, body string
		code       errs.Code
		message    string
	}{
		{"no type", "[backup]\nbackup-label=\"20260101-000000F\"\n", errs.Format, "invalid backup type ''"},
		{"no label", "[backup]\nbackup-type=\"full\"\n", errs.Format, "'' is not a backup label"},
		{"label out of the repository", "[backup]\nbackup-type=\"full\"\nbackup-label=\"../x\"\n", errs.Format,
			"'../x' is not a backup label"},
		{"unknown key is a number", label + "news=1\n", errs.JsonFormat, "expected string but found number"},
		{"no size", file + "pg_data/1={\"timestamp\":1}\n", errs.JsonFormat, "required key 'size' not found"},
		{"no time", file + "pg_data/1={\"size\":1}\n", errs.JsonFormat, "required key 'timestamp' not found"},
		{"out of order", file + "pg_data/1={\"timestamp\":1,\"size\":1}\n", errs.JsonFormat, "required key 'size' not found"},
		{"negative size", file + "pg_data/1={\"size\":-1,\"timestamp\":1}\n", errs.JsonFormat, "key 'size': number -1 is out of range"},
		{"checksum", file + "pg_data/1={\"checksum\":\"00\",\"size\":1,\"timestamp\":1}\n", errs.Format,
			"key 'checksum': '00' is not a SHA-1 checksum"},
		{"mode", file + "pg_data/1={\"mode\":\"0680\",\"size\":1,\"timestamp\":1}\n", errs.Format, "key 'mode': invalid mode '0680'"},
		{"mode too large", file + "pg_data/1={\"mode\":\"10000\",\"size\":1,\"timestamp\":1}\n", errs.Format,
			"key 'mode': invalid mode '10000'"},
		{"owner", file + "pg_data/1={\"size\":1,\"timestamp\":1,\"user\":true}\n", errs.JsonFormat,
			"key 'user': expected string but found boolean"},
		{"reference", file + "pg_data/1={\"reference\":\"../..\",\"size\":1,\"timestamp\":1}\n", errs.Format,
			"key 'reference': '../..' is not a backup label"},
		{"file is no object", file + "pg_data/1=1\n", errs.JsonFormat, "expected object but found number"},
		{"name out of the cluster", file + "pg_data/../../etc={\"size\":1,\"timestamp\":1}\n", errs.Format, "invalid name 'pg_data/../../etc'"},
		{"absolute name", file + "/etc/passwd={\"size\":1,\"timestamp\":1}\n", errs.Format, "invalid name '/etc/passwd'"},
		{"file twice", file + strings.Repeat("pg_data/1={\"size\":1,\"timestamp\":1}\n", 2), errs.Format, "'pg_data/1' occurs twice"},
		{"target", label + "[backup:target]\npg_data={\"path\":\"/\",\"type\":\"x\"}\n", errs.Format, "invalid type 'x' of target 'pg_data'"},
	}
	for _, tt := range tests {
		_, err := DecodeManifest(strings.NewReader(seal(tt.body)))
		if errs.CodeOf(err) != tt.code || err.Error() != tt.message {
			t.Errorf("%s: error is [%d] %v\nwant [%d] %s", tt.name, errs.CodeOf(err), err, tt.code, tt.message)
		}
	}
}

// TestOldManifest lacks what old versions did not write, and has what only they wrote.
func TestOldManifest(t *testing.T) {
	const full, incr, last = "20260101-000000F", "20260101-000000F_20260102-000000I", "20260101-000000F_20260103-000000I"
	m, err := DecodeManifest(strings.NewReader(seal(`[backup]
backup-label="` + last + `"
backup-prior="` + incr + `"
backup-type="incr"
news="text"

[backup:option]
option-compress=true

[target:file]
pg_data/2={"master":true,"reference":"` + incr + `","size":1,"timestamp":1}
pg_data/1={"reference":"` + full + `","size":1,"timestamp":1}
pg_data/3={"reference":"` + full + `","size":1,"timestamp":1}
pg_data/4={"size":1,"timestamp":1}

[target:file:default]
group="g"
master=false
mode="0600"
user="u"
`)))
	if err != nil {
		t.Fatal(err)
	}
	if want := []string{incr, full, last}; !slices.Equal(m.References, want) {
		t.Errorf("references are %v, want %v", m.References, want)
	}
	if m.Options.CompressType != "gz" {
		t.Errorf("compression is %s", m.Options.CompressType)
	}
	for i, f := range m.Files.All() {
		if want := "pg_data/" + string('1'+rune(i)); f.Name != want || f.User != "u" || f.Group != "g" || f.Mode != 0o600 {
			t.Errorf("file %d is %+v", i, f)
		}
	}
}

func TestSummary(t *testing.T) {
	m := sample()
	m.Files.Update(2, func(f *File) { f.RepoSize = 0 }) // counts as its size
	got := m.Summary()
	want := Backup{
		Label: "20260101-000000F_20260102-000000D", Format: 5, Program: "2.60.0", Type: Diff, Prior: "20260101-000000F",
		References: []string{"20260101-000000F"}, TimestampStart: 10, TimestampStop: 12, DBID: 1, Error: ptr(true),
		Size: 105, SizeDelta: 100, RepoSize: 12, RepoSizeDelta: 7, RepoSizeMap: ptr[int64](7), RepoSizeMapDelta: ptr[int64](5),
		OptCompress: true,
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
}

func TestValidate(t *testing.T) {
	if err := sample().Validate(true); err != nil {
		t.Error(err)
	}
	m := sample()
	m.Files.Update(0, func(f *File) { f.HasChecksum = false })
	m.Files.Update(1, func(f *File) { f.Checksum = Sum{} })
	m.Files.Update(2, func(f *File) { f.RepoSize = 0 })
	err := m.Validate(true)
	want := "manifest validation failed:\nmissing checksum for file 'pg_data/1'\n" +
		"invalid checksum '0000000000000000000000000000000000000000' for zero size file 'pg_data/2'\n" +
		"repo size must be > 0 for file 'pg_data/3=\\\r\t\"'"
	if !errs.Is(err, errs.Format) || err.Error() != want {
		t.Errorf("error is %v", err)
	}
	err = m.Validate(false)
	if want := "manifest validation failed:\nmissing checksum for file 'pg_data/1'"; !errs.Is(err, errs.Format) || err.Error() != want {
		t.Errorf("error is %v", err)
	}
	if err := decodeManifest(t, "unfinished.manifest").Validate(false); !errs.Is(err, errs.Format) {
		t.Errorf("error of an unfinished manifest is %v", err)
	}
}
