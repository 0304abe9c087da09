package repo

import (
	"bytes"
	"context"
	"errors"
	"io"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"holdfast/internal/errs"
	"holdfast/internal/filter"
	"holdfast/internal/format"
	"holdfast/internal/storage"
)

const encryptedHint = "is or was the repo encrypted?"

// LoadArchiveInfo reads archive.info, or its copy.
func (r *Repo) LoadArchiveInfo(ctx context.Context) (*format.ArchiveInfo, error) {
	file := r.ArchivePath(ArchiveInfoFile)
	info, err := load(ctx, r, "info file", file, r.pass(), format.DecodeArchiveInfo)
	return info, withHints(err,
		"archive.info cannot be opened but is required to push/get WAL segments.",
		"is archive_command configured correctly in postgresql.conf?",
		"has a stanza-create been performed?",
		"use --no-archive-check to disable archive checks during backup if you have an alternate archiving scheme.")
}

// LoadBackupInfo reads backup.info, or its copy, as it is; see ReconciledBackupInfo for what a job that changes it needs.
func (r *Repo) LoadBackupInfo(ctx context.Context) (*format.BackupInfo, error) {
	file := r.BackupPath(BackupInfoFile)
	info, err := load(ctx, r, "info file", file, r.pass(), format.DecodeBackupInfo)
	return info, withHints(err,
		"backup.info cannot be opened and is required to perform a backup.",
		"has a stanza-create been performed?")
}

// SaveArchiveInfo writes archive.info and its copy.
func (r *Repo) SaveArchiveInfo(ctx context.Context, info *format.ArchiveInfo) error {
	signed := *info
	r.sign(&signed.Program)
	return r.saveInfo(ctx, r.ArchivePath(ArchiveInfoFile), signed.Encode)
}

// SaveBackupInfo writes backup.info and its copy.
func (r *Repo) SaveBackupInfo(ctx context.Context, info *format.BackupInfo) error {
	signed := *info
	r.sign(&signed.Program)
	return r.saveInfo(ctx, r.BackupPath(BackupInfoFile), signed.Encode)
}

// InfoPath returns the path of ArchiveInfoFile or BackupInfoFile.
func (r *Repo) InfoPath(name string) string {
	if name == ArchiveInfoFile {
		return r.ArchivePath(name)
	}
	return r.BackupPath(name)
}

// Presence says which of an info file and its copy exist.
type Presence struct{ Main, Copy bool }

// Any reports whether at least one of the two exists.
func (p Presence) Any() bool { return p.Main || p.Copy }

// Both reports whether nothing is missing.
func (p Presence) Both() bool { return p.Main && p.Copy }

// FindInfo reports what exists of ArchiveInfoFile or BackupInfoFile.
func (r *Repo) FindInfo(ctx context.Context, name string) (found Presence, err error) {
	file := r.InfoPath(name)
	if found.Main, err = storage.Exists(ctx, r.cfg.Storage, file); err != nil {
		return found, err
	}
	found.Copy, err = storage.Exists(ctx, r.cfg.Storage, file+CopyExt)
	return found, err
}

// MendInfo makes the missing one of an info file and its copy from the other. Whether the other is sound is for the caller to know.
func (r *Repo) MendInfo(ctx context.Context, name string) error {
	found, err := r.FindInfo(ctx, name)
	if err != nil || found.Both() || !found.Any() {
		return err
	}
	from, to := r.InfoPath(name), r.InfoPath(name)+CopyExt
	if found.Copy {
		from, to = to, from
	}
	return r.duplicate(ctx, from, to)
}

// sign puts the version of this program into a file about to be written.
func (r *Repo) sign(program *string) {
	if r.cfg.Program != "" {
		*program = r.cfg.Program
	}
}

// saveInfo builds the bytes once, so that the file and its copy are equal even when encrypted, and writes the file first: whenever
// the work is cut off, at least one of the two is whole.
func (r *Repo) saveInfo(ctx context.Context, file string, encode func(io.Writer) error) error {
	var stored bytes.Buffer
	if err := encodeTo(&stored, filter.Spec{Pass: r.pass()}, encode); err != nil {
		return err
	}
	for _, name := range []string{file, file + CopyExt} {
		err := storage.WriteAll(ctx, r.cfg.Storage, name, stored.Bytes(), storage.CreateOptions{Atomic: true})
		if err != nil {
			return err
		}
	}
	return nil
}

// encodeTo writes what encode produces through a filter.
func encodeTo(dst io.Writer, spec filter.Spec, encode func(io.Writer) error) error {
	w, err := filter.NewWriter(dst, spec)
	if err != nil {
		return err
	}
	if err := encode(w); err != nil {
		w.Close()
		return err
	}
	return w.Close()
}

// load reads an info file and, when that fails in any way, its copy. When both fail the error tells about both.
func load[T any](ctx context.Context, r *Repo, kind, file, pass string, decode func(io.Reader) (T, error)) (T, error) {
	value, first := loadOne(ctx, r, file, pass, decode)
	if first == nil {
		return value, nil
	}
	if ctx.Err() != nil {
		return value, ctx.Err()
	}
	value, second := loadOne(ctx, r, file+CopyExt, pass, decode)
	if second == nil {
		return value, nil
	}
	if ctx.Err() != nil {
		return value, ctx.Err()
	}
	// The causes are told, not kept: one of them missing must not make the pair look missing.
	return value, errs.New(commonCode(first, second), "unable to load %s '%s' or '%s':\n%s\n%s", kind, file, file+CopyExt,
		explain(first), explain(second))
}

// loadOne reads one file of the two.
func loadOne[T any](ctx context.Context, r *Repo, file, pass string, decode func(io.Reader) (T, error)) (value T, err error) {
	src, err := r.open(ctx, file, storage.Range{}, filter.Spec{Pass: pass})
	if err != nil {
		return value, err
	}
	defer src.Close()
	value, err = decode(src)
	if err != nil {
		return value, encryptionHint(err)
	}
	return value, nil
}

// open reads a stored file through its filters. Close closes both.
func (r *Repo) open(ctx context.Context, file string, part storage.Range, spec filter.Spec) (io.ReadCloser, error) {
	stored, err := r.cfg.Storage.Open(ctx, file, part)
	if err != nil {
		return nil, err
	}
	plain, err := filter.NewReader(stored, spec)
	if err != nil {
		stored.Close()
		return nil, encryptionHint(err)
	}
	return &stackedReader{ReadCloser: plain, stored: stored}, nil
}

// stackedReader closes the filters and then what they read from.
type stackedReader struct {
	io.ReadCloser
	stored io.Closer
}

func (s *stackedReader) Close() error { return errors.Join(s.ReadCloser.Close(), s.stored.Close()) }

// commonCode chooses the code when a file and its copy both failed: a missing file gives way to what is wrong with the other one,
// and two different troubles count as being unable to open.
func commonCode(first, second error) errs.Code {
	one, two := errs.CodeOf(first), errs.CodeOf(second)
	switch {
	case one == two || two == errs.FileMissing:
		return one
	case one == errs.FileMissing:
		return two
	}
	return errs.FileOpen
}

// explain returns the line, with any hints below it, that the error of a pair has for one of its files.
func explain(err error) string { return errs.CodeOf(err).TypeName() + ": " + errs.Text(err) }

// encryptionHint completes an error that comes from a wrong pass, or a cipher that should or should not be there. A plain reader
// that meets an encrypted file, or a wrong pass that happens to end in valid padding, sees garbage, which is not for printing.
func encryptionHint(err error) error {
	message := err.Error()
	garbage := strings.IndexFunc(message, unprintable)
	if garbage < 0 && !errs.Is(err, errs.Crypto) {
		return err
	}
	if garbage >= 0 {
		message = message[:garbage]
		// What precedes it since the last colon is most likely garbage too that happens to look like letters.
		if colon := strings.LastIndex(message, ": "); colon > 0 {
			message = message[:colon]
		}
	}
	described := errs.Because(errs.CodeOf(err), err, "%s", message)
	for _, hint := range errs.Hints(err) {
		described.Hint("%s", hint)
	}
	if !slices.Contains(described.Hints, encryptedHint) {
		described.Hint(encryptedHint)
	}
	return described
}

func unprintable(c rune) bool {
	return c == utf8.RuneError || c != '\n' && c != '\t' && unicode.IsControl(c)
}

// withHints adds advice to an error made by load.
func withHints(err error, hints ...string) error {
	var failed *errs.Error
	if err == nil || !errors.As(err, &failed) {
		return err
	}
	for _, hint := range hints {
		failed.Hint("%s", hint)
	}
	return failed
}
