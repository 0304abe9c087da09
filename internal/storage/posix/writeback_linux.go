package posix

import "golang.org/x/sys/unix"

// beginWriteback asks the system to begin writing a part of a file to disk, without waiting. Failure means nothing: sync follows.
func beginWriteback(fd int, offset, length int64) {
	_ = unix.SyncFileRange(fd, offset, length, unix.SYNC_FILE_RANGE_WRITE)
}
