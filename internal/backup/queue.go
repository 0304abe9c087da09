package backup

import (
	"cmp"
	"math"
	"slices"
	"strings"
	"sync"
)

// queues hand out the jobs: a queue for the data directory and one for each tablespace, so that workers read from different file
// systems where there are several.
//
// With a standby the first queue is for what must be read from the primary; the first worker does only that, the others all the rest.
type queues struct {
	plan    *plan
	standby bool

	mu    sync.Mutex
	lists []queue
}

// queue lists files by their index in the manifest: those stored by themselves, the biggest first, or the last worker would be left
// alone with it; then those that are bundled.
type queue struct {
	files   []uint32
	bundles []task
}

// task is what a worker does in one go: read a file, or all that go into a bundle.
type task struct {
	bundle int64 // its number, 0: none
	files  []uint32
}

func (q *queue) empty() bool { return len(q.files) == 0 && len(q.bundles) == 0 }

// newQueues sorts the files of a plan, in their place, into queues and bundles. A bundle ends with the file that brings it to
// bundleSize.
func newQueues(p *plan, bundleSize int64, standby bool) *queues {
	q := &queues{plan: p, standby: standby}
	ranks := q.ranks()
	slices.SortFunc(ranks, rank.compare)
	for i := range ranks {
		p.files[i] = ranks[i].file
	}
	bundle := int64(0)
	for begin, end := 0, 0; begin < len(ranks); begin = end {
		list, bundled := &q.lists[ranks[begin].list], ranks[begin].bundled
		for end < len(ranks) && ranks[end].list == ranks[begin].list && ranks[end].bundled == bundled {
			end++
		}
		if !bundled {
			list.files = p.files[begin:end]
			continue
		}
		for rest := p.files[begin:end]; len(rest) > 0; {
			bundle++
			first := q.fill(rest, bundleSize)
			list.bundles = append(list.bundles, task{bundle, first})
			rest = rest[len(first):]
		}
	}
	return q
}

// rank is what files are ordered by, in this order; in the end it is their name, which is that of the manifest.
type rank struct {
	file          uint32
	list          uint16 // the queue
	bundled       bool
	first, second int64
}

func (a rank) compare(b rank) int {
	if c := cmp.Or(cmp.Compare(a.list, b.list), compareFlags(a.bundled, b.bundled)); c != 0 {
		return c
	}
	return cmp.Or(cmp.Compare(a.first, b.first), cmp.Compare(a.second, b.second), cmp.Compare(a.file, b.file))
}

// compareFlags puts what is not set before what is.
func compareFlags(a, b bool) int {
	switch {
	case a == b:
		return 0
	case b:
		return -1
	}
	return 1
}

// ranks finds the queue of each file and its rank there. It makes the queues on the way.
func (q *queues) ranks() []rank {
	index := map[string]uint16{}
	if q.standby {
		index[""] = 0
		q.lists = make([]queue, 1)
	}
	holders := q.plan.holders()
	ranks := make([]rank, len(q.plan.files))
	for n, i := range q.plan.files {
		f := q.plan.m.Files.At(int(i))
		target := targetOf(f.Name)
		if q.standby && !q.plan.standby(f.Name) {
			target = ""
		}
		list, found := index[target]
		if !found {
			list = uint16(min(len(q.lists), math.MaxUint16)) // the last one takes the rest
			index[strings.Clone(target)] = list
			if int(list) == len(q.lists) {
				q.lists = append(q.lists, queue{})
			}
		}
		ranks[n] = rank{file: i, first: -f.Size}
		if q.plan.bundled(f.Size) {
			ranks[n] = q.plan.bundleRank(i, holders)
		}
		ranks[n].list = list
	}
	return ranks
}

// bundleRank is that of a file that goes into a bundle. First come those that lie in bundles already, so that they stay together as
// they are; then the others by age, as those that change together are best stored together.
func (p *plan) bundleRank(i uint32, holders map[string]int64) rank {
	j := p.job(i)
	if j.prior == nil {
		return rank{file: i, bundled: true, first: math.MaxInt64, second: j.modified}
	}
	return rank{file: i, bundled: true, first: holders[j.prior.Reference] + j.prior.BundleID, second: j.prior.BundleOffset}
}

// holders numbers the backups that hold what the prior one has, so that there is room for the numbers of bundles between. It is itself
// the first, which is as good as any order.
func (p *plan) holders() map[string]int64 {
	if p.prior == nil {
		return nil
	}
	numbers := make(map[string]int64, len(p.prior.References))
	for i, label := range p.prior.References {
		numbers[label] = int64(i+1) << 32
	}
	return numbers
}

// maxBundled is how many files go into a bundle however small they are: what was found out about them is in memory until it is written.
const maxBundled = 10_000

// fill returns the files that go into one bundle, taken from the begin of a list, in the order in which they go there.
func (q *queues) fill(list []uint32, bundleSize int64) []uint32 {
	size := int64(0)
	var jobs []job
	for _, i := range list {
		j := q.plan.job(i)
		jobs = append(jobs, j)
		if size += j.size; size >= bundleSize || len(jobs) == maxBundled {
			break
		}
	}
	slices.SortFunc(jobs, func(a, b job) int { return compareBundled(&a, &b) })
	for n := range jobs {
		list[n] = uint32(jobs[n].file)
	}
	return list[:len(jobs):len(jobs)]
}

// comparePlaces orders files by where the prior backup has them.
func comparePlaces(one, two *job) int {
	return cmp.Or(
		strings.Compare(one.prior.Reference, two.prior.Reference),
		cmp.Compare(one.prior.BundleID, two.prior.BundleID),
		cmp.Compare(one.prior.BundleOffset, two.prior.BundleOffset))
}

// compareBundled orders a bundle: files in blocks first, as their maps lie in the prior backup, then the others as they grow.
func compareBundled(one, two *job) int {
	order := cmp.Or(compareFlags(two.blockSize > 0, one.blockSize > 0), compareFlags(two.onBlocks(), one.onBlocks()))
	if order == 0 && one.onBlocks() {
		order = comparePlaces(one, two)
	}
	return cmp.Or(order, cmp.Compare(one.size, two.size), strings.Compare(one.name, two.name))
}

// targetOf returns the first part of a name, for a tablespace the first two.
func targetOf(name string) string {
	first, rest, _ := strings.Cut(name, "/")
	if first != tablespaceName {
		return first
	}
	oid, _, _ := strings.Cut(rest, "/")
	return name[:min(len(name), len(first)+1+len(oid))]
}

// next returns what a worker, counted from 0, does next. Workers begin at different queues and turn to others when theirs is empty,
// every second one in the other direction. There is nothing left if it returns no files.
func (q *queues) next(worker int) task {
	q.mu.Lock()
	defer q.mu.Unlock()
	first, n := 0, len(q.lists)
	switch {
	case q.standby && worker == 0:
		n = 1
	case q.standby:
		first, n = 1, n-1
	}
	for step := range n {
		i := (worker%n + step) % n
		if worker%2 == 1 {
			i = (worker%n - step + n) % n
		}
		if list := &q.lists[first+i]; !list.empty() {
			return list.take()
		}
	}
	return task{}
}

func (q *queue) take() task {
	if len(q.files) > 0 {
		next := task{files: q.files[:1]}
		q.files = q.files[1:]
		return next
	}
	next := q.bundles[0]
	q.bundles = q.bundles[1:]
	return next
}
