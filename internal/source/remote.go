package source

import (
	"context"
	"io"
	"path"
	"strings"
	"sync"

	"holdfast/internal/block"
	"holdfast/internal/errs"
	"holdfast/internal/filter"
	"holdfast/internal/storage"
	"holdfast/internal/wire"
)

// The calls of Remote.
const (
	callStore = "source-store"
	callSum   = "source-sum"
)

// request is a Task on its way. Names are bytes.
type request struct {
	File []byte `json:"file"`
	Data []byte `json:"data,omitempty"`
	Task Task   `json:"task"`
	// Prior is the block map of the task, encoded.
	Prior []byte `json:"prior,omitempty"`
	// Network is the level at which content that is stored as it is gets compressed for the way; 0: not at all.
	Network int `json:"network,omitempty"`
}

// Caller makes calls on the host of the cluster.
type Caller interface {
	Read(ctx context.Context, name string, in any) (*wire.Stream, error)
	Call(ctx context.Context, name string, in, out any) error
}

// Remote has files read on another host.
type Remote struct {
	caller Caller
	level  int
	buffer []byte
}

// NewRemote makes a reader. Content that is stored as it is gets compressed at that level for the way; 0: not at all.
func NewRemote(c Caller, networkLevel int) *Remote {
	return &Remote{caller: c, level: networkLevel, buffer: make([]byte, readSize)}
}

func (r *Remote) request(t Task) request {
	q := request{File: []byte(t.File), Data: []byte(t.Data), Task: t}
	q.Task.File, q.Task.Data = "", ""
	if t.Blocks != nil && t.Blocks.Prior != nil {
		q.Prior = t.Blocks.Prior.Encode()
	}
	if t.Spec.Compression == filter.None && t.Spec.Pass == "" && t.Blocks == nil {
		q.Network = r.level
	}
	return q
}

func (q request) task() (t Task, err error) {
	t = q.Task
	t.File, t.Data = string(q.File), string(q.Data)
	if t.Blocks != nil && q.Prior != nil {
		t.Blocks.Prior, err = block.DecodeMap(q.Prior, t.Blocks.Size, t.Blocks.ChecksumSize)
	}
	return t, err
}

// Store is Reader's.
func (r *Remote) Store(ctx context.Context, t Task, dst io.Writer) (res Result, err error) {
	q := r.request(t)
	s, err := r.caller.Read(ctx, callStore, q)
	if err != nil {
		return res, err
	}
	defer s.Close()
	if err := r.receive(s, q.Network, dst); err != nil {
		return res, err
	}
	return res, s.Result(&res)
}

// receive copies a stream, which is compressed if a level is given, to its end.
func (r *Remote) receive(s *wire.Stream, level int, dst io.Writer) error {
	if level == 0 {
		return storage.Copy(dst, s, r.buffer)
	}
	in, err := filter.NewReader(s, filter.Spec{Compression: filter.Lz4, Raw: true})
	if err != nil {
		return err
	}
	if err := storage.Copy(dst, in, r.buffer); err != nil {
		return err
	}
	return storage.Copy(io.Discard, s, r.buffer) // up to what is said at the end
}

// Sum is Reader's.
func (r *Remote) Sum(ctx context.Context, t Task) (res Result, err error) {
	err = r.caller.Call(ctx, callSum, r.request(t), &res)
	return res, err
}

// Calls answers the calls of a Remote from the files of this host that lie below root.
func Calls(tree storage.Storage, root string) wire.Calls {
	read := func(c *wire.Call) (t Task, network int, err error) {
		var q request
		if err := c.LongArgs(&q); err != nil {
			return t, 0, err
		}
		for _, name := range []string{string(q.File), string(q.Data)} {
			if name != "" && name != root && (path.Clean(name) != name || !strings.HasPrefix(name, root+"/")) {
				return t, 0, errs.New(errs.Access, "access denied to '%s'", name)
			}
		}
		if err := q.Task.check(); err != nil {
			return t, 0, err
		}
		t, err = q.task()
		return t, q.Network, err
	}
	readers := sync.Pool{New: func() any { return NewLocal(tree) }} // with their buffers
	with := func(fn func(l *Local) (any, error)) (any, error) {
		l := readers.Get().(*Local)
		defer readers.Put(l)
		return fn(l)
	}
	return wire.Calls{
		callStore: func(c *wire.Call) {
			t, network, err := read(c)
			if err != nil {
				c.Fail(err)
				return
			}
			c.Stream(func(w io.Writer) (any, error) {
				return with(func(l *Local) (any, error) { return store(c, l, t, network, w) })
			})
		},
		callSum: func(c *wire.Call) {
			t, _, err := read(c)
			if err != nil {
				c.Fail(err)
				return
			}
			c.Reply(with(func(l *Local) (any, error) { return l.Sum(c, t) }))
		},
	}
}

// check refuses what no client of ours would ask for.
func (t Task) check() error {
	bad := t.Limit != nil && *t.Limit < 0 || t.Spec.Compression > filter.Zst ||
		t.Pages != nil && (t.Pages.Size < 1024 || t.Pages.Size > 32768 || t.Pages.Size&(t.Pages.Size-1) != 0) ||
		t.Blocks != nil && (t.Blocks.Size <= 0 || t.Blocks.Size > largestBlock || t.Blocks.Super <= 0 || t.Blocks.Super > largestBlock ||
			t.Blocks.ChecksumSize < 1 || t.Blocks.ChecksumSize > 16)
	if bad {
		return errs.New(errs.Protocol, "invalid task")
	}
	return nil
}

// largestBlock is more than any block or super block that can be configured.
const largestBlock = 1 << 28

func store(ctx context.Context, l *Local, t Task, network int, w io.Writer) (any, error) {
	if network == 0 {
		return l.Store(ctx, t, w)
	}
	packed, err := filter.NewWriter(w, filter.Spec{Compression: filter.Lz4, Level: network, Raw: true})
	if err != nil {
		return nil, err
	}
	res, err := l.Store(ctx, t, packed)
	if closeErr := packed.Close(); err == nil {
		err = closeErr
	}
	return res, err
}
