package manifest

import (
	"slices"
	"strings"
	"testing"
	"time"

	"holdfast/internal/format"
)

func sum(t *testing.T, digits string) format.Sum {
	t.Helper()
	s, err := format.ParseSum(digits)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// listing is the one of the recorded outputs.
func listing(t *testing.T) *Listing {
	t.Setenv("TZ", "UTC")
	local := time.Local
	time.Local = time.UTC
	t.Cleanup(func() { time.Local = local })
	full, incr := "20261120-221236F", "20261120-221236F_20261120-221241I"
	m := &format.Manifest{
		Label: incr, References: []string{full, incr}, Type: format.Incr, TimestampStart: 1795212761, TimestampCopyStart: 1795212763,
		TimestampStop: 1795212763, Bundle: true, BundleRaw: true, BlockIncr: true,
	}
	return &Listing{
		Manifest: m, Blocks: true,
		Files: slices.Values([]format.File{{
			Name: "pg_data/base/5/16430", Size: 40460288, RepoSize: 3816812, BlockSize: 16384, BlockChecksumSize: 6, BlockMapSize: 14971,
			Checksum: sum(t, "98786b02d4fdae21f36a6181e41a29f560f74d4b"),
		}}),
		Deltas: []Delta{
			{Stored: full + "/pg_data/base/5/16430.pgbi", Reads: 1, ReadSize: 15267709, Supers: 32, SuperSize: 33120256, BlockCount: 1970},
			{
				Reference: 1, Stored: incr + "/pg_data/base/5/16430.pgbi", Reads: 1, ReadSize: 3801841, Supers: 32, SuperSize: 8192000,
				BlockCount: 500,
			},
		},
	}
}

const (
	textHead = `label: 20261120-221236F_20261120-221241I
reference: 20261120-221236F, 20261120-221236F_20261120-221241I
type: incr
time: start: 2026-11-20 22:12:41, stop: 2026-11-20 22:12:43, duration: 0:00:02
bundle: true
block: true

file list:
`
	textFile = `  - pg_data/base/5/16430
      size: 38.6MB, repo 3.6MB
      checksum: 98786b02d4fdae21f36a6181e41a29f560f74d4b
      block: size 16KB, map size 14.6KB, checksum size 6B
`
	jsonHead = `{"label":"20261120-221236F_20261120-221241I","reference":["20261120-221236F","20261120-221236F_20261120-221241I"],` +
		`"type":"incr","time":{"start":1795212761,"copy":1795212763,"stop":1795212763},"bundle":{"bundle":true,"raw":true},` +
		`"block":{"block":true},"fileList":[`
	jsonFile = `{"name":"pg_data/base/5/16430","size":40460288,"checksum":"98786b02d4fdae21f36a6181e41a29f560f74d4b",` +
		`"repo":{"size":3816812},"block":{"size":16384,"map":{"size":14971`
)

func TestRecordedOutputs(t *testing.T) {
	for _, test := range []struct {
		name       string
		change     func(*Listing)
		text, json string
	}{
		{
			"file", func(*Listing) {},
			textHead + textFile + `      block delta:
        reference: 20261120-221236F/pg_data/base/5/16430.pgbi, read: 1/14.6MB, superBlock: 32/31.6MB, block: 1970/30.8MB
        reference: 20261120-221236F_20261120-221241I/pg_data/base/5/16430.pgbi, read: 1/3.6MB, superBlock: 32/7.8MB, block: 500/7.8MB
        total read: 2/18.2MB, superBlock: 64/39.4MB, block: 2470/38.6MB
`,
			jsonHead + jsonFile + `,"delta":[{"reference":0,"read":{"total":1,"size":15267709},"superBlock":{"total":32,"size":33120256},` +
				`"block":{"total":1970}},{"reference":1,"read":{"total":1,"size":3801841},"superBlock":{"total":32,"size":8192000},` +
				`"block":{"total":500}}]},"checksum":{"size":6}}}]}`,
		},
		{
			"up to date", func(l *Listing) { l.Deltas = nil },
			textHead + textFile + "      block delta: file is up-to-date\n", jsonHead + jsonFile + `,"delta":null},"checksum":{"size":6}}}]}`,
		},
		{
			"all files", func(l *Listing) { l.Blocks = false },
			textHead + textFile, jsonHead + jsonFile + `},"checksum":{"size":6}}}]}`,
		},
		{
			"not in blocks", func(l *Listing) {
				l.Files = slices.Values([]format.File{{
					Name: "pg_data/backup_label", Size: 260, RepoSize: 195, Checksum: sum(t, "4e83ef106bf8042545277d23ffda3254f55a5990"),
				}})
			},
			textHead + "  - pg_data/backup_label\n      size: 260B, repo 195B\n      checksum: 4e83ef106bf8042545277d23ffda3254f55a5990\n",
			jsonHead + `{"name":"pg_data/backup_label","size":260,"checksum":"4e83ef106bf8042545277d23ffda3254f55a5990","repo":{"size":195}}]}`,
		},
		{"no files", func(l *Listing) { l.Files = slices.Values([]format.File(nil)) }, textHead, jsonHead + "]}"},
	} {
		t.Run(test.name, func(t *testing.T) {
			l := listing(t)
			test.change(l)
			var text, json strings.Builder
			if err := l.WriteText(&text); err != nil {
				t.Fatal(err)
			}
			if err := l.WriteJSON(&json); err != nil {
				t.Fatal(err)
			}
			if text.String() != test.text {
				t.Errorf("text is\n%s\nwant\n%s", text.String(), test.text)
			}
			if json.String() != test.json {
				t.Errorf("JSON is\n%s\nwant\n%s", json.String(), test.json)
			}
		})
	}
}
