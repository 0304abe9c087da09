package filter

import (
	"bytes"
	"math/rand/v2"
	"os/exec"
	"strings"
	"testing"
)

// tool runs a command line over data. The tools belong to what the tests need; without them they prove nothing, so they fail.
func tool(t *testing.T, command string, data []byte) []byte {
	t.Helper()
	args := strings.Fields(command)
	if _, err := exec.LookPath(args[0]); err != nil {
		t.Fatalf("%v: the tests need gzip, bzip2, lz4, zstd and openssl", err)
	}
	var out, problem bytes.Buffer
	cmd := exec.CommandContext(t.Context(), args[0], args[1:]...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = bytes.NewReader(data), &out, &problem
	if err := cmd.Run(); err != nil {
		t.Fatalf("%s: %v: %s", command, err, problem.String())
	}
	return out.Bytes()
}

const openssl = "openssl enc -aes-256-cbc -md sha1 -pass pass:secret"

// TestTools: what the usual programs write we read, and the other way round.
func TestTools(t *testing.T) {
	tests := []struct {
		spec   Spec
		write  []string // command lines whose output we read
		read   string   // command line that reads ours
		levels []int
	}{
		{Spec{Compression: Gz}, []string{"gzip -c -n", "gzip -c -1", "gzip -c -9"}, "gzip -dc", []int{-1, 0, 1, 6, 9}},
		{Spec{Compression: Bz2}, []string{"bzip2 -c -1", "bzip2 -c -9"}, "bzip2 -dc", []int{1, 9}},
		{
			Spec{Compression: Lz4},
			[]string{
				"lz4 -q -c -1 -B4 -BD", "lz4 -q -c -9 -B4 -BD", "lz4 -q -c -B5 -BD", "lz4 -q -c -B7 -BD --content-size", "lz4 -q -c -BX",
				"lz4 -q -c --no-frame-crc", "lz4 -q -c --fast=5 -BD",
			},
			"lz4 -q -dc", []int{-5, 1, 3, 12},
		},
		{
			Spec{Compression: Zst},
			[]string{"zstd -q -c -3", "zstd -q -c --fast=5", "zstd -q -c --ultra -22", "zstd -q -c --no-check", "zstd -q -c --long=27"},
			"zstd -q -dc", []int{-7, 3, 9, 19, 22},
		},
		{Spec{Pass: "secret"}, []string{openssl}, openssl + " -d", []int{0}},
	}
	rnd := rand.New(rand.NewPCG(19, 20))
	for _, test := range tests {
		for _, size := range []int{0, 3, 700_000} {
			data := rows(rnd, size)
			for _, command := range test.write {
				got, err := decode(bytes.NewReader(tool(t, command, data)), test.spec)
				if err != nil || !bytes.Equal(got, data) {
					t.Errorf("from %s: %d bytes, %v; want %d", command, len(got), err, size)
				}
			}
			for _, level := range test.levels {
				spec := test.spec
				spec.Level = level
				got := tool(t, test.read, encode(t, spec, data, 64<<10))
				if !bytes.Equal(got, data) {
					t.Errorf("%s reads %d bytes of %s level %d, want %d", test.read, len(got), spec.Compression, level, size)
				}
			}
		}
	}
}
