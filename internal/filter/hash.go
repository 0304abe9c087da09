package filter

import (
	"crypto/rand"
	"crypto/sha1"
	"encoding/base64"
	"hash"

	"holdfast/internal/errs"
)

// Hash watches bytes go by: SHA-1 and count.
type Hash struct {
	sum  hash.Hash
	size int64
}

// NewHash returns a Hash that has seen nothing.
func NewHash() *Hash { return &Hash{sum: sha1.New()} }

// Write never fails.
func (h *Hash) Write(b []byte) (int, error) {
	h.size += int64(len(b))
	return h.sum.Write(b)
}

// Sum returns the SHA-1 of what was written so far.
func (h *Hash) Sum() (sum [sha1.Size]byte) {
	h.sum.Sum(sum[:0])
	return sum
}

// Size returns the number of bytes written so far.
func (h *Hash) Size() int64 { return h.size }

// Reset forgets what was written.
func (h *Hash) Reset() {
	h.sum.Reset()
	h.size = 0
}

const passBytes = 48

// NewPass returns a new random pass for the files of an archive, the manifests or a backup set. Its text is the pass.
func NewPass() (string, error) {
	secret := make([]byte, passBytes)
	if _, err := rand.Read(secret); err != nil {
		return "", errs.Wrap(errs.Crypto, err, "unable to get random bytes")
	}
	return base64.StdEncoding.EncodeToString(secret), nil
}
