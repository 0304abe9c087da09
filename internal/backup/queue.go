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

// newQueues sorts the files of a plan into queues and bundles. A bundle ends with the file that brings it to bundleSize.
func newQueues(p *plan, bundleSize int64, standby bool) *queues {
	q := &queues{plan: p, standby: standby}
	whole, bundled := q.split()
	q.lists = make([]queue, len(whole))
	bundle := int64(0)
	for n := range q.lists {
		slices.SortFunc(whole[n], rank.compare)
		slices.SortFunc(bundled[n], rank.compare)
		q.lists[n].files = filesOf(whole[n])
		for rest := filesOf(bundled[n]); len(rest) > 0; {
			bundle++
			first := q.fill(rest, bundleSize)
			q.lists[n].bundles = append(q.lists[n].bundles, task{bundle, first})
			rest = rest[len(first):]
		}
		whole[n], bundled[n] = nil, nil
	}
	return q
}

// split finds the queue of each file, and its rank there.
func (q *queues) split() (whole, bundled [][]rank) {
	index := map[string]int{}
	holders := q.plan.holders()
	if q.standby {
		index[""] = 0
		whole, bundled = make([][]rank, 1), make([][]rank, 1)
	}
	for _, i := range q.plan.files {
		f := q.plan.m.Files.At(int(i))
		target := targetOf(f.Name)
		if q.standby && !q.plan.standby(f.Name) {
			target = ""
		}
		n, found := index[target]
		if !found {
			n = len(whole)
			index[strings.Clone(target)] = n
			whole, bundled = append(whole, nil), append(bundled, nil)
		}
		if q.plan.bundled(f.Size) {
			bundled[n] = append(bundled[n], q.plan.bundleRank(i, holders))
		} else {
			whole[n] = append(whole[n], rank{file: i, first: -f.Size})
		}
	}
	return whole, bundled
}

// rank is what files of a queue are ordered by, in this order; in the end it is their name, which is that of the manifest.
type rank struct {
	file          uint32
	holder        uint32
	first, second int64
}

func (a rank) compare(b rank) int {
	return cmp.Or(cmp.Compare(a.holder, b.holder), cmp.Compare(a.first, b.first), cmp.Compare(a.second, b.second),
		cmp.Compare(a.file, b.file))
}

// bundleRank is that of a file that goes into a bundle. First come those that lie in bundles already, so that they stay together as
// they are; then the others by age, as those that change together are best stored together.
func (p *plan) bundleRank(i uint32, holders map[string]uint32) rank {
	j := p.job(i)
	if j.prior == nil {
		return rank{file: i, holder: math.MaxUint32, first: j.modified}
	}
	return rank{i, holders[j.prior.Reference], j.prior.BundleID, j.prior.BundleOffset}
}

// holders numbers the backups that hold what the prior one has. It is itself the first, which is as good as any order.
func (p *plan) holders() map[string]uint32 {
	if p.prior == nil {
		return nil
	}
	numbers := make(map[string]uint32, len(p.prior.References))
	for i, label := range p.prior.References {
		numbers[label] = uint32(i + 1)
	}
	return numbers
}

func filesOf(ranks []rank) []uint32 {
	if len(ranks) == 0 {
		return nil
	}
	files := make([]uint32, len(ranks))
	for i := range ranks {
		files[i] = ranks[i].file
	}
	return files
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
	if a, b := one.blockSize > 0, two.blockSize > 0; a != b {
		if a {
			return -1
		}
		return 1
	}
	if a, b := one.onBlocks(), two.onBlocks(); a != b {
		if a {
			return -1
		}
		return 1
	} else if a && b {
		if order := comparePlaces(one, two); order != 0 {
			return order
		}
	}
	return cmp.Or(cmp.Compare(one.size, two.size), strings.Compare(one.name, two.name))
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
