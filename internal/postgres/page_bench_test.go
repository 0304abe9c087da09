package postgres

import "testing"

func BenchmarkPageChecksum(b *testing.B) {
	page := make([]byte, 8192)
	for i := range page {
		page[i] = byte(i * 7)
	}
	b.SetBytes(int64(len(page)))
	for b.Loop() {
		PageChecksum(page, 1)
	}
}
