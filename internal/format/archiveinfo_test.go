package format

import (
	"bytes"
	"io"
	"reflect"
	"strings"
	"testing"

	"holdfast/internal/errs"
)

func TestArchiveInfo(t *testing.T) {
	info, err := DecodeArchiveInfo(bytes.NewReader(testdata(t, "upgraded.archive.info")["upgraded.archive.info"]))
	if err != nil {
		t.Fatal(err)
	}
	first := ArchiveDB{ID: 1, SystemID: 7710383016153144117, Version: "15"}
	second := ArchiveDB{ID: 2, SystemID: 7710383046043430477, Version: "15"}
	want := &ArchiveInfo{Program: "2.60.0dev", DB: second, History: []ArchiveDB{first, second}}
	if !reflect.DeepEqual(info, want) {
		t.Errorf("got %+v\nwant %+v", info, want)
	}
	if id := info.DB.ArchiveID(); id != "15-2" {
		t.Errorf("archive id is %s", id)
	}
}

func TestArchiveInfoWritten(t *testing.T) {
	info := &ArchiveInfo{Program: "2.60.0", CipherPass: `a"b`}
	for id := 1; id <= 11; id++ { // in order of creation, not of bytes
		info.History = append(info.History, ArchiveDB{ID: id, SystemID: -uint64(id), Version: "9.6"})
	}
	info.DB = info.History[9]
	var out bytes.Buffer
	if err := info.Encode(&out); err != nil {
		t.Fatal(err)
	}
	expectSame(t, "archive.info", out.String(), seal(`[cipher]
cipher-pass="a\"b"

[db]
db-id=10
db-system-id=18446744073709551606
db-version="9.6"

[db:history]
1={"db-id":18446744073709551615,"db-version":"9.6"}
2={"db-id":18446744073709551614,"db-version":"9.6"}
3={"db-id":18446744073709551613,"db-version":"9.6"}
4={"db-id":18446744073709551612,"db-version":"9.6"}
5={"db-id":18446744073709551611,"db-version":"9.6"}
6={"db-id":18446744073709551610,"db-version":"9.6"}
7={"db-id":18446744073709551609,"db-version":"9.6"}
8={"db-id":18446744073709551608,"db-version":"9.6"}
9={"db-id":18446744073709551607,"db-version":"9.6"}
10={"db-id":18446744073709551606,"db-version":"9.6"}
11={"db-id":18446744073709551605,"db-version":"9.6"}
`))
	if again, err := DecodeArchiveInfo(&out); err != nil || !reflect.DeepEqual(again, info) {
		t.Errorf("read again as %+v, %v", again, err)
	}
}

func TestArchiveInfoRefused(t *testing.T) {
	const entry = `1={"db-id":77,"db-version":"15"}`
	tests := []struct {
		name, body string
		code       errs.Code
		message    string
	}{
		{"no history", "[db]\ndb-id=1\n", errs.Format, "history is missing"},
		{"no current id", "[db:history]\n" + entry + "\n", errs.Format, "current id is missing"},
		{"current id zero", "[db]\ndb-id=0\n[db:history]\n" + entry + "\n", errs.Format, "current id is missing"},
		{"current id unknown", "[db]\ndb-id=2\n[db:history]\n" + entry + "\n", errs.Format, "unable to find current id in history"},
		{"id twice", "[db]\ndb-id=1\n[db:history]\n" + entry + "\n" + entry + "\n", errs.Format, "id 1 is twice in history"},
		{"id of letters", "[db:history]\nx={}\n", errs.Format, "'x' is not a history id"},
		{"id zero", "[db:history]\n0={}\n", errs.Format, "'0' is not a history id"},
		{"no version", "[db:history]\n1={\"db-id\":77}\n", errs.JsonFormat, "required key 'db-version' not found"},
		{"out of order", "[db:history]\n1={\"db-version\":\"15\",\"db-id\":77}\n", errs.JsonFormat, "required key 'db-id' not found"},
		{"system id too large", "[db:history]\n1={\"db-id\":18446744073709551616,\"db-version\":\"15\"}\n", errs.JsonFormat,
			"key 'db-id': number 18446744073709551616 is out of range"},
		{"id too large", "[db]\ndb-id=2147483648\n", errs.JsonFormat, "key 'db-id': number 2147483648 is out of range"},
		{"pass is a number", "[cipher]\ncipher-pass=1\n", errs.JsonFormat, "key 'cipher-pass': expected string but found number"},
	}
	for _, tt := range tests {
		_, err := DecodeArchiveInfo(strings.NewReader(seal(tt.body)))
		if errs.CodeOf(err) != tt.code || err.Error() != tt.message {
			t.Errorf("%s: error is [%d] %v\nwant [%d] %s", tt.name, errs.CodeOf(err), err, tt.code, tt.message)
		}
	}
}

func TestArchiveInfoNotWritten(t *testing.T) {
	one := ArchiveDB{ID: 1, SystemID: 77, Version: "15"}
	for name, info := range map[string]*ArchiveInfo{
		"empty":              {},
		"no current":         {History: []ArchiveDB{one}},
		"not in history":     {DB: ArchiveDB{ID: 2}, History: []ArchiveDB{one}},
		"other than history": {DB: ArchiveDB{ID: 1, SystemID: 78, Version: "15"}, History: []ArchiveDB{one}},
	} {
		if err := info.Encode(io.Discard); err == nil {
			t.Errorf("%s: is written", name)
		}
	}
}
