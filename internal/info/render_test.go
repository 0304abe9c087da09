package info

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// The files of testdata are outputs of the original program. A .txt file beside a .json file shows the same state.
func TestRenderCaptures(t *testing.T) {
	files, err := filepath.Glob("testdata/*.json")
	if err != nil || len(files) < 40 {
		t.Fatalf("%d captures, %v", len(files), err)
	}
	inZone(t, time.UTC)
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".json"), func(t *testing.T) {
			want, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			stanzas := parseJSON(t, want)
			if got := rendered(t, WriteJSON, stanzas); got != string(want) {
				t.Errorf("JSON\n%s\nwant\n%s", got, want)
			}
			text, err := os.ReadFile(strings.TrimSuffix(file, "json") + "txt")
			if os.IsNotExist(err) {
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if got := rendered(t, WriteText, stanzas); got != string(text) {
				t.Errorf("text\n%s\nwant\n%s", got, text)
			}
		})
	}
}

// inZone changes the local time zone for a test.
func inZone(t *testing.T, zone *time.Location) {
	t.Helper()
	old := time.Local
	time.Local = zone
	t.Cleanup(func() { time.Local = old })
}

// The members of the JSON, for reading it back.
type (
	jsonStanza struct {
		Name   string
		Cipher *string
		Status struct {
			Code int
			Lock struct {
				Backup struct {
					jsonProgress
					Repo []jsonProgress
				}
				Restore jsonProgress
			}
		}
		Repo []struct {
			Key    int
			Cipher string
			Status struct {
				Code    int
				Message string
			}
		}
		DB []struct {
			ID       int
			RepoKey  int    `json:"repo-key"`
			SystemID uint64 `json:"system-id"`
			Version  string
		}
		Archive []struct {
			ID       string
			Min, Max string
			Database jsonDatabase
		}
		Backup []jsonBackup
	}
	jsonProgress struct {
		Key  int
		Held bool
		Size *int64
		Done int64 `json:"size-cplt"`
	}
	jsonDatabase struct {
		ID      int
		RepoKey int `json:"repo-key"`
	}
	jsonBackup struct {
		Label, Type, Prior string
		Reference          []string
		Archive            struct{ Start, Stop string }
		LSN                struct{ Start, Stop string }
		Backrest           struct {
			Format  int
			Version string
		}
		Database  jsonDatabase
		Info      jsonSizes
		Timestamp struct{ Start, Stop int64 }
		Error     *bool
		// What is told of a backup asked for by name.
		Annotation map[string]string
		Databases  []struct {
			Name string
			OID  uint32
		} `json:"database-ref"`
		Link       []Link
		Tablespace []struct {
			Name, Destination string
			OID               uint32
		}
		Errors []string `json:"error-list"`
	}
	jsonSizes struct {
		Size, Delta int64
		Repository  struct {
			Size, Delta int64
			SizeMap     *int64 `json:"size-map"`
			DeltaMap    int64  `json:"delta-map"`
		}
	}
)

func parseJSON(t *testing.T, text []byte) []Stanza {
	t.Helper()
	var parsed []jsonStanza
	if err := json.Unmarshal(text, &parsed); err != nil {
		t.Fatal(err)
	}
	var stanzas []Stanza
	for _, p := range parsed {
		s := Stanza{Name: p.Name, Code: p.Status.Code, Brief: p.Cipher == nil}
		if p.Cipher != nil {
			s.Cipher = *p.Cipher
		}
		s.Lock = Locks{Backup: p.Status.Lock.Backup.value(), Restore: p.Status.Lock.Restore.value()}
		for _, r := range p.Status.Lock.Backup.Repo {
			s.Lock.BackupByRepo = append(s.Lock.BackupByRepo, r.value())
		}
		for _, r := range p.Repo {
			s.Repos = append(s.Repos, Repo{Key: r.Key, Cipher: r.Cipher, Code: r.Status.Code, Message: r.Status.Message})
		}
		for _, d := range p.DB {
			s.DBs = append(s.DBs, DB(d))
		}
		for _, a := range p.Archive {
			s.Archives = append(s.Archives, Archive{DBID: a.Database.ID, RepoKey: a.Database.RepoKey, ID: a.ID, Min: a.Min, Max: a.Max})
		}
		for _, b := range p.Backup {
			s.Backups = append(s.Backups, b.value())
		}
		stanzas = append(stanzas, s)
	}
	return stanzas
}

func (p jsonProgress) value() Progress {
	v := Progress{Key: p.Key, Held: p.Held, Done: p.Done}
	if p.Size != nil {
		v.Sized, v.Total = true, *p.Size
	}
	return v
}

func (b jsonBackup) value() Backup {
	v := Backup{
		Label: b.Label, Type: b.Type, Prior: b.Prior, References: b.Reference,
		ArchiveFrom: b.Archive.Start, ArchiveTo: b.Archive.Stop, LSNFrom: b.LSN.Start, LSNTo: b.LSN.Stop,
		Format: b.Backrest.Format, Program: b.Backrest.Version, DBID: b.Database.ID, RepoKey: b.Database.RepoKey,
		Size: b.Info.Size, Delta: b.Info.Delta, RepoSize: b.Info.Repository.Size, RepoDelta: b.Info.Repository.Delta,
		Start: b.Timestamp.Start, Stop: b.Timestamp.Stop, Error: b.Error, Annotations: b.Annotation,
	}
	if r := b.Info.Repository; r.SizeMap != nil {
		v.Maps = &Maps{Size: *r.SizeMap, Delta: r.DeltaMap}
	}
	if b.Databases != nil {
		v.Detail = &Detail{Links: b.Link, Damaged: b.Errors}
		for _, d := range b.Databases {
			v.Detail.Databases = append(v.Detail.Databases, Database(d))
		}
		for _, s := range b.Tablespace {
			v.Detail.Tablespaces = append(v.Detail.Tablespaces, Tablespace{Name: s.Name, OID: s.OID, Destination: s.Destination})
		}
	}
	return v
}

// Only what must be is escaped, the way the original does it; encoding/json would escape more.
func TestJSONStrings(t *testing.T) {
	for text, want := range map[string]string{
		`<a href="x">&</a>`:    `"<a href=\"x\">&</a>"`,
		"\b\f\n\r\t\v\x01":     `"\b\f\n\r\t` + "\v\x01\"",
		`C:\dir/ä ` + "\u2028": `"C:\\dir/ä ` + "\u2028\"",
	} {
		got := rendered(t, WriteJSON, []Stanza{{Name: text, Brief: true}})
		if !strings.HasPrefix(got, `[{"name":`+want+`,`) {
			t.Errorf("%q: got %s", text, got)
		}
	}
	if got := rendered(t, WriteJSON, []Stanza{}); got != "[]" {
		t.Errorf("no stanzas: %s", got)
	}
}

func TestTimes(t *testing.T) {
	const at = 1795213105 // 2026-11-20 22:18:25 UTC
	for offset, want := range map[int]string{
		0:               "2026-11-20 22:18:25+00",
		-5 * 3600:       "2026-11-20 17:18:25-05",
		5*3600 + 1800:   "2026-11-21 03:48:25+05:30",
		-(3*3600 + 900): "2026-11-20 19:03:25-03:15",
		14 * 3600:       "2026-11-21 12:18:25+14",
	} {
		inZone(t, time.FixedZone("somewhere", offset))
		if got := stamp(at); got != want {
			t.Errorf("offset %s: %s, want %s", strconv.Itoa(offset), got, want)
		}
	}
}

// failing fails after some bytes, as a full disk or a closed pipe does.
type failing struct{ left int }

func (f *failing) Write(b []byte) (int, error) {
	if f.left -= len(b); f.left < 0 {
		return 0, fmt.Errorf("no more")
	}
	return len(b), nil
}

func TestFailingOutput(t *testing.T) {
	stanzas := []Stanza{{Name: strings.Repeat("x", 10000), Repos: []Repo{{Key: 1}}}}
	for _, write := range []renderer{WriteText, WriteJSON} {
		if err := write(&failing{left: 100}, stanzas); err == nil {
			t.Error("a failing output went unnoticed")
		}
	}
}
