package command

import (
	"context"
	"reflect"
	"strings"
	"testing"

	"holdfast/internal/backup"
	"holdfast/internal/block"
	"holdfast/internal/errs"
)

func TestBundleOptions(t *testing.T) {
	const kib = 1 << 10
	blocks := func(s block.Sizes) *backup.Blocks {
		return &backup.Blocks{Sizes: s, Super: 256 * kib, SuperFull: 1 << 20}
	}
	for _, test := range []struct {
		args string
		want backup.Options
		err  string
	}{
		{"", backup.Options{}, ""},
		{"--repo1-bundle", backup.Options{Bundle: true, BundleLimit: 2 << 20, BundleSize: 20 << 20}, ""},
		{"--repo1-bundle --repo1-bundle-limit=8KiB --repo1-bundle-size=1MiB --repo1-block",
			backup.Options{Bundle: true, BundleLimit: 8 * kib, BundleSize: 1 << 20, Blocks: blocks(block.Sizes{})}, ""},
		{"--repo1-bundle --repo1-block --repo1-block-size-map=16KiB=9KiB --repo1-block-size-map=32768=16384" +
			" --repo1-block-age-map=0=1 --repo1-block-age-map=2=0 --repo1-block-checksum-size-map=8KiB=16",
			backup.Options{Bundle: true, BundleLimit: 2 << 20, BundleSize: 20 << 20, Blocks: blocks(block.Sizes{
				BySize:   []block.Step{{From: 16 * kib, Value: 8 * kib}, {From: 32 * kib, Value: 16 * kib}},
				ByAge:    []block.Step{{From: 0, Value: 1}, {From: 2 * 86400, Value: 0}},
				Checksum: []block.Step{{From: 8 * kib, Value: 16}},
			})}, ""},
		{"size-map=x=8KiB", backup.Options{}, "[032]: 'x' is not valid for 'repo1-block-size-map' option"},
		{"size-map=16KiB=x", backup.Options{}, "[032]: 'x' is not valid for 'repo1-block-size-map' option"},
		{"size-map=16KiB=0", backup.Options{}, "[032]: '0' is not valid for 'repo1-block-size-map' option"},
		{"age-map=1d=2", backup.Options{}, "[029]: unable to convert base 10 string '1d' to unsigned int"},
		{"age-map=1=x", backup.Options{}, "[029]: unable to convert base 10 string 'x' to unsigned int"},
		{"checksum-size-map=8KiB=3", backup.Options{}, "[032]: '3' is not valid for 'repo1-block-checksum-size-map' option"},
		{"checksum-size-map=8KiB=20", backup.Options{}, "[032]: '20' is not valid for 'repo1-block-checksum-size-map' option"},
	} {
		if test.err != "" {
			test.args = "--repo1-bundle --repo1-block --repo1-block-" + test.args
		}
		w := newWorld(t)
		var got backup.Options
		commands := table()
		commands["backup"] = entry{run: func(_ context.Context, s *session) error {
			return s.bundleOptions(&got, 1)
		}}
		args := "--stanza=demo --pg1-path=/pg --repo1-retention-full=1 --no-expire-auto --log-level-console=error --no-log-timestamp backup "
		run(context.Background(), w.env("holdfast", strings.Fields(args+test.args)...), commands)
		if out := w.stdout.String(); test.err != "" && !strings.Contains(out, test.err) || test.err == "" && out != "" {
			t.Errorf("%s: %s, want %s", test.args, out, test.err)
		}
		if test.err == "" && !reflect.DeepEqual(got, test.want) {
			t.Errorf("%s: got %+v, want %+v", test.args, got, test.want)
		}
	}
	if errNotValid.Code != errs.OptionInvalidValue {
		t.Error("the stand-in has another code than what it stands for")
	}
}
