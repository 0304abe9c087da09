//go:build !linux

package posix

// beginWriteback does nothing where the system has no such call; sync does it all at the end.
func beginWriteback(int, int64, int64) {}
