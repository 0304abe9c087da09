package repo_test

import (
	"bytes"
	"os"
	"strings"
	"testing"

	"holdfast/internal/errs"
	"holdfast/internal/repo"
)

func TestInfoFilesAreEqualPairs(t *testing.T) {
	for _, cipher := range []string{repo.CipherNone, repo.CipherAES} {
		t.Run(cipher, func(t *testing.T) {
			r := newRepo(t, cipher)
			if err := r.SaveBackupInfo(t.Context(), backupInfo()); err != nil {
				t.Fatal(err)
			}
			if err := r.SaveArchiveInfo(t.Context(), archiveInfo()); err != nil {
				t.Fatal(err)
			}
			for _, name := range []string{repo.ArchiveInfoFile, repo.BackupInfoFile} {
				file := r.InfoPath(name)
				main, copied := readFile(t, file), readFile(t, file+repo.CopyExt)
				if !bytes.Equal(main, copied) {
					t.Errorf("%s and its copy differ", name)
				}
				if encrypted := bytes.HasPrefix(main, []byte("Salted__")); encrypted != r.Encrypted() {
					t.Errorf("%s is encrypted: %v", name, encrypted)
				}
			}
			info, err := r.LoadBackupInfo(t.Context())
			if err != nil || info.DB.SystemID != 7710382814157307616 || info.Program != "2.60.0" {
				t.Errorf("read back %+v, %v", info, err)
			}
		})
	}
}

func TestInfoFallsBackToCopy(t *testing.T) {
	r := newRepo(t, repo.CipherNone)
	if err := r.SaveBackupInfo(t.Context(), backupInfo()); err != nil {
		t.Fatal(err)
	}
	file := r.InfoPath(repo.BackupInfoFile)
	whole := string(readFile(t, file))
	for name, text := range map[string]string{
		"truncated to 3 bytes": whole[:3], // SN-025
		"empty":                "",
		"one digit changed":    strings.Replace(whole, "202209061", "202209062", 1),
	} {
		writeFile(t, file, text)
		if _, err := r.LoadBackupInfo(t.Context()); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	if _, err := r.LoadBackupInfo(t.Context()); err != nil {
		t.Errorf("removed: %v", err)
	}
}

func TestInfoErrors(t *testing.T) {
	plain := newRepo(t, repo.CipherNone)
	file := plain.InfoPath(repo.BackupInfoFile)
	if err := plain.SaveBackupInfo(t.Context(), backupInfo()); err != nil {
		t.Fatal(err)
	}
	whole := string(readFile(t, file))
	damaged := strings.Replace(whole, "202209061", "202209062", 1)
	tests := []struct {
		name       string
		main, copy string
		code       errs.Code
		text       []string
	}{
		{"both missing", "", "", errs.FileMissing, []string{
			"unable to load info file '" + file + "' or '" + file + ".copy':\nFileMissingError: unable to open missing file '" + file +
				"' for read\nFileMissingError: unable to open missing file '" + file + ".copy' for read\nHINT: backup.info cannot be opened" +
				" and is required to perform a backup.\nHINT: has a stanza-create been performed?"}},
		{"damaged, copy missing", damaged, "", errs.Checksum, []string{"ChecksumError: invalid checksum, actual '", "FileMissingError: "}},
		{"missing, copy damaged", "", damaged, errs.Checksum, []string{"FileMissingError: ", "ChecksumError: "}},
		{"different troubles", damaged, "what is this\n", errs.FileOpen, []string{"ChecksumError: ", "FormatError: "}},
		{"encrypted", "Salted__\x01\x02\xff\xfe\x00\x80\n", "Salted__\x01\x02\xff\xfe\x00\x80\n", errs.Format,
			[]string{"FormatError: ", "\nHINT: is or was the repo encrypted?\n"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			for name, text := range map[string]string{file: test.main, file + ".copy": test.copy} {
				os.Remove(name)
				if text != "" {
					writeFile(t, name, text)
				}
			}
			_, err := plain.LoadBackupInfo(t.Context())
			if !errs.Is(err, test.code) {
				t.Errorf("code %d, want %d: %v", errs.CodeOf(err), test.code, err)
			}
			for _, want := range test.text {
				if !strings.Contains(errs.Text(err), want) {
					t.Errorf("%q lacks %q", errs.Text(err), want)
				}
			}
			if strings.ContainsFunc(errs.Text(err), func(c rune) bool { return c != '\n' && (c < ' ' || c > '~') }) {
				t.Errorf("garbage in %q", errs.Text(err))
			}
		})
	}
}

func TestInfoOfPlainRepositoryReadWithCipher(t *testing.T) {
	plain := newRepo(t, repo.CipherNone)
	if err := plain.SaveArchiveInfo(t.Context(), archiveInfo()); err != nil {
		t.Fatal(err)
	}
	r := repo.New(repo.Config{Key: 1, Path: plain.Path(), Storage: plain.Storage(), Stanza: "demo", CipherType: repo.CipherAES,
		CipherPass: "secret"})
	_, err := r.LoadArchiveInfo(t.Context())
	if !errs.Is(err, errs.Crypto) {
		t.Errorf("code %d: %v", errs.CodeOf(err), err)
	}
	want := "CryptoError: cipher header invalid\nHINT: is or was the repo encrypted?\nCryptoError: cipher header invalid\n" +
		"HINT: is or was the repo encrypted?\nHINT: archive.info cannot be opened but is required to push/get WAL segments.\n"
	if !strings.Contains(errs.Text(err), want) {
		t.Errorf("%q", errs.Text(err))
	}
}

func TestInfoWithWrongPass(t *testing.T) {
	right := newRepo(t, repo.CipherAES)
	if err := right.SaveArchiveInfo(t.Context(), archiveInfo()); err != nil {
		t.Fatal(err)
	}
	for _, pass := range []string{"a", "b", "c", "d", "e", "f"} {
		r := repo.New(repo.Config{Key: 1, Path: right.Path(), Storage: right.Storage(), Stanza: "demo", CipherType: repo.CipherAES,
			CipherPass: pass})
		_, err := r.LoadArchiveInfo(t.Context())
		if !errs.Is(err, errs.Crypto) && !errs.Is(err, errs.Format) {
			t.Errorf("code %d: %v", errs.CodeOf(err), err)
		}
		if text := errs.Text(err); !strings.Contains(text, "HINT: is or was the repo encrypted?") ||
			strings.ContainsFunc(text, func(c rune) bool { return c != '\n' && (c < ' ' || c > '~') }) {
			t.Errorf("%q", text)
		}
	}
}

func TestMendInfo(t *testing.T) {
	r := newRepo(t, repo.CipherAES)
	if err := r.SaveArchiveInfo(t.Context(), archiveInfo()); err != nil {
		t.Fatal(err)
	}
	file := r.InfoPath(repo.ArchiveInfoFile)
	whole := readFile(t, file)
	for _, lost := range []string{file, file + repo.CopyExt} {
		os.Remove(lost)
		if found, err := r.FindInfo(t.Context(), repo.ArchiveInfoFile); err != nil || found.Both() || !found.Any() {
			t.Errorf("found %+v, %v", found, err)
		}
		if err := r.MendInfo(t.Context(), repo.ArchiveInfoFile); err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(readFile(t, lost), whole) {
			t.Errorf("%s differs", lost)
		}
	}
}
