package format

// fileList collects the files of a manifest without knowing how many there are. It grows by adding pieces, so that entries are moved
// only once, at the end.
type fileList struct {
	pieces [][]File
	count  int
}

const (
	smallestPiece = 64
	largestPiece  = 4096
)

// add returns a new entry.
func (l *fileList) add() *File {
	last := len(l.pieces) - 1
	if last < 0 || len(l.pieces[last]) == cap(l.pieces[last]) {
		size := min(largestPiece, max(smallestPiece, l.count))
		l.pieces = append(l.pieces, make([]File, 0, size))
		last++
	}
	piece := append(l.pieces[last], File{})
	l.pieces[last] = piece
	l.count++
	return &piece[len(piece)-1]
}

// files returns all entries and forgets them.
func (l *fileList) files() []File {
	pieces := l.pieces
	l.pieces = nil
	if len(pieces) == 0 {
		return nil
	}
	if len(pieces) == 1 {
		return pieces[0]
	}
	all := make([]File, 0, l.count)
	for i := range pieces {
		all = append(all, pieces[i]...)
		pieces[i] = nil
	}
	return all
}
