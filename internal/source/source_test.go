package source

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"net"
	"reflect"
	"strings"
	"testing"
	"time"

	"holdfast/internal/block"
	"holdfast/internal/errs"
	"holdfast/internal/filter"
	"holdfast/internal/postgres/pgtest"
	"holdfast/internal/storage"
	"holdfast/internal/storage/storagetest"
	"holdfast/internal/wire"
)

const root = "/data"

// remote returns a reader of the tree on the other side of a connection.
func remote(t *testing.T, tree storage.Storage, level int) *Remote {
	t.Helper()
	near, there := net.Pipe()
	g := wire.Greeting{Name: "Holdfast", Service: "remote", Version: "1"}
	server := wire.Server{Greeting: g, Open: func(context.Context, []string) (*wire.Opened, error) {
		return &wire.Opened{Calls: Calls(tree, root)}, nil
	}}
	served := make(chan error, 1)
	go func() { served <- server.Serve(context.Background(), there) }()
	c, err := wire.Connect(t.Context(), near, wire.Config{Greeting: g, Label: "far", Timeout: time.Minute}, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		c.Close()
		if err := <-served; err != nil {
			t.Error(err)
		}
	})
	return NewRemote(c, level)
}

func TestReaders(t *testing.T) {
	ctx, tree := t.Context(), storagetest.NewMem()
	var content []byte
	for i := range uint32(40) {
		content = append(content, pgtest.BuildPage(8192, i, uint64(i))...)
	}
	name := root + "/base/1\xff/2"
	if err := storage.WriteAll(ctx, tree, name, content, storage.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	limit, none := int64(8192*3), int64(0)
	var chain bytes.Buffer // what the block writer makes of half of the file
	half := block.NewWriter(&chain, block.WriterConfig{BlockSize: 8192, ChecksumSize: 6, SuperSize: 65536})
	_, _ = half.Write(content[:len(content)/2])
	if err := half.Close(); err != nil {
		t.Fatal(err)
	}
	prior := chain.Bytes()[int64(chain.Len())-half.MapSize():]
	priorMap, err := block.ReadMap(prior, "", 8192, 6)
	if err != nil {
		t.Fatal(err)
	}
	pages := &Pages{Size: 8192, HeaderCheck: true}
	for label, task := range map[string]Task{
		"plain":     {File: name},
		"pages":     {File: name, Pages: pages},
		"limit":     {File: name, Limit: &limit},
		"emptied":   {File: name, Limit: &none},
		"lz4":       {File: name, Spec: filter.Spec{Compression: filter.Lz4, Level: 1}},
		"gz raw":    {File: name, Spec: filter.Spec{Compression: filter.Gz, Level: 6, Raw: true}, Pages: pages},
		"blocks":    {File: name, Blocks: &Blocks{Size: 8192, Super: 65536, ChecksumSize: 6}},
		"changed":   {File: name, Blocks: &Blocks{Size: 8192, Super: 65536, ChecksumSize: 6, Reference: 1, Prior: priorMap}},
		"wrong":     {File: name, Pages: &Pages{Size: 8192, HeaderCheck: true, Segment: 1}},
		"encrypted": {File: name, Spec: filter.Spec{Pass: "secret"}},
	} {
		var want bytes.Buffer
		wanted, err := NewLocal(tree).Store(ctx, task, &want)
		if err != nil {
			t.Fatal(label, err)
		}
		for _, level := range []int{0, 1} {
			far := remote(t, tree, level)
			var got bytes.Buffer
			res, err := far.Store(ctx, task, &got)
			if err != nil || !reflect.DeepEqual(res, wanted) {
				t.Errorf("%s, level %d: %+v, %v, want %+v", label, level, res, err, wanted)
			}
			if task.Spec.Pass == "" && !bytes.Equal(got.Bytes(), want.Bytes()) || got.Len() != want.Len() {
				t.Errorf("%s, level %d: content differs", label, level)
			}
			sum, err := far.Sum(ctx, task)
			if err != nil || sum.Sum != wanted.Sum || sum.Size != wanted.Size {
				t.Errorf("%s: %+v, %v", label, sum, err)
			}
		}
	}
}

func TestRefused(t *testing.T) {
	ctx, tree := t.Context(), storagetest.NewMem()
	far := remote(t, tree, 1)
	_, err := far.Store(ctx, Task{File: root + "/none"}, &bytes.Buffer{})
	if !errs.Is(err, errs.FileMissing) || !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), "raised from far") {
		t.Error(err)
	}
	for label, c := range map[string]struct {
		task Task
		code errs.Code
	}{
		"outside":  {Task{File: "/etc/passwd"}, errs.Access},
		"dots":     {Task{File: root + "/../etc/passwd"}, errs.Access},
		"data":     {Task{Data: "/other", Control: true}, errs.Access},
		"page":     {Task{File: root + "/f", Pages: &Pages{Size: 0}}, errs.Protocol},
		"block":    {Task{File: root + "/f", Blocks: &Blocks{Size: 1 << 40, Super: 1, ChecksumSize: 6}}, errs.Protocol},
		"compress": {Task{File: root + "/f", Spec: filter.Spec{Compression: 99}}, errs.Protocol},
		"limit":    {Task{File: root + "/f", Limit: new(int64)}, errs.FileMissing},
	} {
		if _, err := far.Store(ctx, c.task, &bytes.Buffer{}); !errs.Is(err, c.code) {
			t.Errorf("%s: %v", label, err)
		}
	}
}
