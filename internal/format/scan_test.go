package format

import (
	"math"
	"reflect"
	"strings"
	"testing"

	"holdfast/internal/errs"
)

func TestValid(t *testing.T) {
	tests := []struct {
		text string
		want bool
	}{
		{`1`, true}, {`-1`, true}, {`0`, true}, {`18446744073709551615`, true}, {`99999999999999999999999`, true},
		{`1.5`, false}, {`1e5`, false}, {`01`, false}, {`-`, false}, {`+1`, false}, {``, false}, {` `, false},
		{`true`, true}, {`false`, true}, {`null`, true}, {`tru`, false}, {`True`, false}, {`nullx`, false},
		{`"a"`, true}, {`"a`, false}, {`a`, false}, {`"a"b`, false}, {`"a\"`, false}, {"\"\x00\x1f\xff\"", true},
		{`"\n\r\t\b\f\"\\\/"`, true}, {`"\x"`, false}, {`"\u0041"`, true}, {`"\u00fF"`, true}, {`"\u0141"`, false}, {`"\u004"`, false},
		{`{}`, true}, {`{ }`, true}, {`{"a":1}`, true}, {` { "a" : 1 , "b" : [ 1 , 2 ] } `, true}, {`{"a"}`, false}, {`{"a":}`, false},
		{`{"a":1,}`, false}, {`{,}`, false}, {`{"a":1 "b":2}`, false}, {`{"a\n":1}`, false}, {`{"a":1`, false}, {`{a:1}`, false},
		{`[]`, true}, {`[ ]`, true}, {`[1,[2,3]]`, true}, {`[1,]`, false}, {`[,1]`, false}, {`[1`, false}, {`]`, false},
		{strings.Repeat("[", 30) + strings.Repeat("]", 30), true},
		{strings.Repeat("[", 50) + strings.Repeat("]", 50), false},
		{strings.Repeat("[", 1_000_000), false},
		{strings.Repeat(`{"a":`, 1_000_000), false},
	}
	for _, tt := range tests {
		if got := valid([]byte(tt.text)); got != tt.want {
			t.Errorf("valid(%.40s) is %t", tt.text, got)
		}
	}
}

func TestStrings(t *testing.T) {
	text := "a\"b\\c\nd\re\tf\bg\fh/i\x01\x7fä\xff"
	written := appendString(nil, text)
	if want := `"a\"b\\c\nd\re\tf\bg\fh/i` + "\x01\x7fä\xff\""; string(written) != want {
		t.Errorf("written as %s, want %s", written, want)
	}
	if again, err := value(written).text(); again != text || err != nil {
		t.Errorf("read as %q, %v", again, err)
	}
	if got, _ := value(`"\u0041\/\u00e4"`).text(); got != "A/\xe4" {
		t.Errorf("escapes read as %q", got)
	}
}

func TestNumbers(t *testing.T) {
	tests := []struct {
		text      string
		low, high int64
		want      int64
		ok        bool
	}{
		{"0", 0, 5, 0, true}, {"5", 0, 5, 5, true}, {"6", 0, 5, 0, false}, {"-1", 0, 5, 0, false}, {"-1", -1, 5, -1, true},
		{"9223372036854775807", 0, math.MaxInt64, math.MaxInt64, true}, {"9223372036854775808", 0, math.MaxInt64, 0, false},
		{"18446744073709551616", 0, math.MaxInt64, 0, false}, {"99999999999999999999", 0, math.MaxInt64, 0, false},
		{"-9223372036854775807", math.MinInt64, 0, -math.MaxInt64, true}, {`"1"`, 0, 5, 0, false}, {"true", 0, 5, 0, false},
	}
	for _, tt := range tests {
		got, err := value(tt.text).int(tt.low, tt.high)
		if got != tt.want || (err == nil) != tt.ok {
			t.Errorf("%s in %d..%d is %d, %v", tt.text, tt.low, tt.high, got, err)
		}
	}
	for text, want := range map[string]uint64{"0": 0, "18446744073709551615": math.MaxUint64} {
		if got, err := value(text).uint64(); got != want || err != nil {
			t.Errorf("%s is %d, %v", text, got, err)
		}
	}
	for _, text := range []string{"18446744073709551616", "99999999999999999999", "184467440737095516150", "-1", "null"} {
		if got, err := value(text).uint64(); !errs.Is(err, errs.JsonFormat) {
			t.Errorf("%s is %d, %v", text, got, err)
		}
	}
}

func TestPages(t *testing.T) {
	tests := []struct {
		text string
		want []PageRange
		ok   bool
	}{
		{`[]`, nil, true},
		{`[2,[5,7]]`, []PageRange{{2, 2}, {5, 7}}, true},
		{`[[0,4294967295]]`, []PageRange{{0, math.MaxUint32}}, true},
		{`[4294967296]`, nil, false}, {`[[5]]`, nil, false}, {`[[5,6,7]]`, nil, false}, {`[[7,5]]`, nil, false}, {`["5"]`, nil, false},
		{`5`, nil, false},
	}
	for _, tt := range tests {
		got, err := value(tt.text).pages()
		if (err == nil) != tt.ok || tt.ok && !reflect.DeepEqual(got, tt.want) {
			t.Errorf("%s is %v, %v", tt.text, got, err)
		}
	}
	v := val("{")
	v.pages("p", []PageRange{{2, 2}, {5, 7}, {9, 9}})
	if want := `{"p":[2,[5,7],9]`; string(v) != want {
		t.Errorf("written as %s, want %s", v, want)
	}
}

func TestObjectWalksForward(t *testing.T) {
	o := openObject(value(`{ "a" : 1, "b":{"x":[1,2]}, "c":"three", "d":true}`))
	if a, c, d := o.int("a", 0, 9), o.text("c"), o.bool("d"); a != 1 || c != "three" || !d || o.err != nil {
		t.Errorf("got %d %s %t, %v", a, c, d, o.err)
	}
	o = openObject(value(`{"backup-timestamp-stop":1,"db-id":1,"backup-type":"full"}`))
	o.size("backup-timestamp-stop")
	o.text("backup-type")
	if !errs.Is(o.err, errs.JsonFormat) || o.err.Error() != "required key 'backup-type' not found" {
		t.Errorf("error of a key out of order is %v", o.err)
	}
	if o.size("db-id") != 0 {
		t.Error("an object with an error still answers")
	}
	o = openObject(value(`[]`))
	if o.find("a") || !errs.Is(o.err, errs.JsonFormat) {
		t.Errorf("error of an array is %v", o.err)
	}
}
