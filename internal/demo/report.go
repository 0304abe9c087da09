package demo

import (
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"holdfast/internal/log"
)

// WriteText says in plain words what was proved.
func (r Result) WriteText(w io.Writer) error {
	lines := []string{
		fmt.Sprintf("What this proved with PostgreSQL %s, in %s:", r.Server, seconds(r.Total)),
		"  " + r.Full.text("full backup", "of files"),
		"  " + r.Incr.text("incremental backup", "had changed"),
		fmt.Sprintf("  Archiving brought %d WAL files to the repository until the server was stopped.", r.WALFiles),
		fmt.Sprintf("  The restore took %s and the replay %s, from the repository alone, into an empty directory.",
			seconds(r.RestoreTime), seconds(r.ReplayTime)),
		fmt.Sprintf("  The table is back with its %s rows: all that the server had acknowledged by that moment, and none of", number(r.Rows)),
		fmt.Sprintf("  the %s written after it. Their content is the same, by its MD5 %s.", number(r.Lost), r.Hash),
		"  The restored server takes writes, and its WAL is archived again.",
	}
	if r.Dir == "" {
		lines = append(lines, "All of it has been removed again.")
	} else {
		lines = append(lines, fmt.Sprintf("The files are in %s", r.Dir))
	}
	_, err := io.WriteString(w, strings.Join(lines, "\n")+"\n")
	return err
}

func (b Backup) text(name, what string) string {
	return fmt.Sprintf("The %s took %s while %s rows were written: %s %s, %s in the repository.", name, seconds(b.Took),
		number(b.Rows), log.Size(b.Copied), what, log.Size(b.Repository))
}

func seconds(d time.Duration) string { return fmt.Sprintf("%.1f s", d.Seconds()) }

// number writes a count with a comma for each thousand.
func number(n int64) string {
	digits := strconv.FormatInt(n, 10)
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return digits
}
