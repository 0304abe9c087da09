package format

import (
	"bytes"
	"crypto/sha1"
	"fmt"
	"io"
	"testing"
)

// large makes the manifest of an incremental backup with n files.
func large(n int) *Manifest {
	m := sample()
	m.Files = Files{}
	for i := range n {
		name := fmt.Sprintf("pg_data/base/%05d/%07d", 16384+i/1000, i)
		f := File{
			Name: name, User: "pg", Mode: 0o640, Size: int64(8192 * (i%100 + 1)), OriginalSize: int64(8192 * (i%100 + 1)),
			RepoSize: int64(1234 + i), Timestamp: 1795213395 + int64(i), Checksum: sha1.Sum([]byte(name)), HasChecksum: true,
			RepoChecksum: sha1.Sum([]byte(name)), HasRepoChecksum: true, PageChecksum: PageOK,
		}
		if i%3 > 0 {
			f.Reference = m.Prior
		}
		m.Files.Append(f)
	}
	return m
}

const benchmarkFiles = 1_000_000

func BenchmarkDecodeManifest(b *testing.B) {
	var content bytes.Buffer
	if err := large(benchmarkFiles).Encode(&content); err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(content.Len()))
	b.ReportAllocs()
	for b.Loop() {
		m, err := DecodeManifest(bytes.NewReader(content.Bytes()))
		if err != nil || m.Files.Len() != benchmarkFiles {
			b.Fatal(err)
		}
	}
}

func BenchmarkEncodeManifest(b *testing.B) {
	m := large(benchmarkFiles)
	b.ReportAllocs()
	for b.Loop() {
		if err := m.Encode(io.Discard); err != nil {
			b.Fatal(err)
		}
	}
}

// TestGarbage keeps the promise that lines make no garbage: memory is for the values, and a name costs no allocation of its own.
func TestGarbage(t *testing.T) {
	const files = 20_000
	m := large(files)
	var content bytes.Buffer
	if err := m.Encode(&content); err != nil {
		t.Fatal(err)
	}
	decode := testing.AllocsPerRun(1, func() {
		if _, err := DecodeManifest(bytes.NewReader(content.Bytes())); err != nil {
			t.Fatal(err)
		}
	})
	encode := testing.AllocsPerRun(1, func() {
		if err := m.Encode(io.Discard); err != nil {
			t.Fatal(err)
		}
	})
	if decode > files/20 || encode > files/20 {
		t.Errorf("%d files take %.0f allocations to read and %.0f to write", files, decode, encode)
	}
}
