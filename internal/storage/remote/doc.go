// Package remote is the file system of another host.
//
// Tree is a storage.Tree whose every method is a call over package wire; Calls answers them there, from the tree of that host and
// within the bounds of a Policy. Content goes as it is, in streams: a file is opened with the call that reads it, and one that is
// written is complete for the other side when its stream is. Names travel as bytes, as file systems have them.
package remote

import (
	"io/fs"
	"time"

	"holdfast/internal/storage"
)

// request is the arguments of all calls. Which of them count depends on the call.
type request struct {
	Path    []byte         `json:"path"`
	Other   []byte         `json:"other,omitempty"` // the second path, or what a link says
	Range   *storage.Range `json:"range,omitempty"`
	Options *options       `json:"options,omitempty"`
	Mode    fs.FileMode    `json:"mode,omitempty"`
	Parents bool           `json:"parents,omitempty"`
	UID     int            `json:"uid,omitempty"`
	GID     int            `json:"gid,omitempty"`
	Time    time.Time      `json:"time,omitzero"`
	Size    int64          `json:"size,omitempty"`
	Level   int            `json:"level,omitempty"` // at which the content is compressed for the way
}

// options is storage.CreateOptions on its way.
type options struct {
	Mode    fs.FileMode `json:"mode,omitempty"`
	DirMode fs.FileMode `json:"dir,omitempty"`
	Atomic  bool        `json:"atomic,omitempty"`
	NoSync  bool        `json:"nosync,omitempty"`
	ModTime time.Time   `json:"time,omitzero"`
	UID     int         `json:"uid,omitempty"`
	GID     int         `json:"gid,omitempty"`
}

// The names of the calls.
const (
	callOpen      = "storage-open"
	callCreate    = "storage-create"
	callStat      = "storage-stat"
	callSize      = "storage-size"
	callList      = "storage-list"
	callNames     = "storage-names"
	callRemove    = "storage-remove"
	callRemoveAll = "storage-remove-all"
	callMakeDir   = "storage-make-dir"
	callRemoveDir = "storage-remove-dir"
	callSyncDir   = "storage-sync-dir"
	callSymlink   = "storage-symlink"
	callLink      = "storage-link"
	callRename    = "storage-rename"
	callMove      = "storage-move"
	callChmod     = "storage-chmod"
	callChown     = "storage-chown"
	callChtimes   = "storage-chtimes"
	callPatch     = "storage-patch"
	callTruncate  = "storage-truncate"
)
