package manifest

import (
	"bufio"
	"fmt"
	"io"
	"strings"
	"time"

	"holdfast/internal/format"
	"holdfast/internal/log"
)

// WriteText renders a listing for people. Times are in the local zone.
func (l *Listing) WriteText(w io.Writer) error {
	m, out := l.Manifest, bufio.NewWriter(w)
	const stamp = "2006-01-02 15:04:05"
	took := m.TimestampStop - m.TimestampStart
	fmt.Fprintf(out, "label: %s\nreference: %s\ntype: %s\n", m.Label, strings.Join(m.References, ", "), m.Type)
	fmt.Fprintf(out, "time: start: %s, stop: %s, duration: %d:%02d:%02d\n", time.Unix(m.TimestampStart, 0).Format(stamp),
		time.Unix(m.TimestampStop, 0).Format(stamp), took/3600, took/60%60, took%60)
	fmt.Fprintf(out, "bundle: %t\nblock: %t\n\nfile list:\n", m.Bundle, m.BlockIncr)
	first := true
	for f := range l.Files {
		if !first {
			fmt.Fprintln(out)
		}
		l.text(out, &f)
		first = false
	}
	return out.Flush()
}

func (l *Listing) text(out io.Writer, f *format.File) {
	line := func(format string, args ...any) { fmt.Fprintf(out, "      "+format+"\n", args...) }
	fmt.Fprintf(out, "  - %s\n", f.Name)
	if f.Reference != "" {
		line("reference: %s", f.Reference)
	}
	line("size: %s, repo %s", log.Size(f.Size), log.Size(f.RepoSize))
	line("checksum: %s", f.Checksum)
	if f.BundleID != 0 {
		line("bundle: %d", f.BundleID)
	}
	if f.BlockSize == 0 {
		return
	}
	line("block: size %s, map size %s, checksum size %s", log.Size(f.BlockSize), log.Size(f.BlockMapSize), log.Size(int64(f.BlockChecksumSize)))
	switch {
	case !l.Blocks:
	case len(l.Deltas) == 0:
		line("block delta: file is up-to-date")
	default:
		line("block delta:")
		var total Delta
		for _, d := range l.Deltas {
			line("  reference: %s, read: %s", d.Stored, d.text(f.BlockSize))
			total.add(d)
		}
		line("  total read: %s", total.text(f.BlockSize))
	}
}

func (d *Delta) add(o Delta) {
	d.Reads += o.Reads
	d.ReadSize += o.ReadSize
	d.Supers += o.Supers
	d.SuperSize += o.SuperSize
	d.BlockCount += o.BlockCount
}

func (d Delta) text(blockSize int64) string {
	return fmt.Sprintf("%d/%s, superBlock: %d/%s, block: %d/%s", d.Reads, log.Size(d.ReadSize), d.Supers, log.Size(d.SuperSize),
		d.BlockCount, log.Size(int64(d.BlockCount)*blockSize))
}

// WriteJSON renders a listing as one line of JSON without a line feed. The order of members is part of the form.
func (l *Listing) WriteJSON(w io.Writer) error {
	m, out := l.Manifest, bufio.NewWriter(w)
	references := make([]string, len(m.References))
	for i, label := range m.References {
		references[i] = format.Quote(label)
	}
	fmt.Fprintf(out, `{"label":%s,"reference":[%s],"type":%s`, format.Quote(m.Label), strings.Join(references, ","),
		format.Quote(string(m.Type)))
	fmt.Fprintf(out, `,"time":{"start":%d,"copy":%d,"stop":%d}`, m.TimestampStart, m.TimestampCopyStart, m.TimestampStop)
	fmt.Fprintf(out, `,"bundle":{"bundle":%t,"raw":%t},"block":{"block":%t},"fileList":[`, m.Bundle, m.BundleRaw, m.BlockIncr)
	first := true
	for f := range l.Files {
		if !first {
			out.WriteByte(',')
		}
		l.json(out, &f)
		first = false
	}
	out.WriteString("]}")
	return out.Flush()
}

func (l *Listing) json(out *bufio.Writer, f *format.File) {
	fmt.Fprintf(out, `{"name":%s`, format.Quote(f.Name))
	if f.Reference != "" {
		fmt.Fprintf(out, `,"reference":%s`, format.Quote(f.Reference))
	}
	fmt.Fprintf(out, `,"size":%d,"checksum":"%s","repo":{"size":%d}`, f.Size, f.Checksum, f.RepoSize)
	if f.BundleID != 0 {
		fmt.Fprintf(out, `,"bundle":{"id":%d,"offset":%d}`, f.BundleID, f.BundleOffset)
	}
	if f.BlockSize != 0 {
		fmt.Fprintf(out, `,"block":{"size":%d,"map":{"size":%d%s},"checksum":{"size":%d}}`, f.BlockSize, f.BlockMapSize, l.jsonDelta(),
			f.BlockChecksumSize)
	}
	out.WriteByte('}')
}

func (l *Listing) jsonDelta() string {
	if !l.Blocks {
		return ""
	}
	if len(l.Deltas) == 0 {
		return `,"delta":null`
	}
	var parts []string
	for _, d := range l.Deltas {
		parts = append(parts, fmt.Sprintf(`{"reference":%d,"read":{"total":%d,"size":%d},"superBlock":{"total":%d,"size":%d},"block":{"total":%d}}`,
			d.Reference, d.Reads, d.ReadSize, d.Supers, d.SuperSize, d.BlockCount))
	}
	return `,"delta":[` + strings.Join(parts, ",") + "]"
}
