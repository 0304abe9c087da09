package backup

import (
	"cmp"
	"slices"
	"strings"
	"sync"
)

// queues hand out the jobs: a queue for the data directory and one for each tablespace, so that workers read from different file
// systems where there are several. In a queue the biggest file comes first, or the last worker would be left alone with it.
//
// With a standby the first queue is for what must be read from the primary; the first worker does only that, the others all the rest.
type queues struct {
	jobs    []job
	standby bool

	mu    sync.Mutex
	lists [][]int32 // indexes of jobs
}

// newQueues sorts the jobs into queues, and gives the files that are to be bundled the numbers of their bundles. A bundle ends with
// the file that brings it to bundleSize.
func newQueues(jobs []job, bundleSize int64, standby bool) *queues {
	q := &queues{jobs: jobs, standby: standby}
	index := map[string]int{}
	if standby {
		q.lists = append(q.lists, nil)
		index[""] = 0
	}
	for i, j := range jobs {
		target := targetOf(j.name)
		if standby && j.primary {
			target = ""
		}
		n, found := index[target]
		if !found {
			n = len(q.lists)
			index[target] = n
			q.lists = append(q.lists, nil)
		}
		q.lists[n] = append(q.lists[n], int32(i))
	}
	bundle := int64(0)
	for _, list := range q.lists {
		slices.SortFunc(list, func(a, b int32) int { return compareJobs(&jobs[a], &jobs[b]) })
		whole := len(list)
		for whole > 0 && jobs[list[whole-1]].bundled {
			whole--
		}
		for rest := list[whole:]; len(rest) > 0; {
			bundle++
			n := q.fill(bundle, rest, bundleSize)
			slices.SortFunc(rest[:n], func(a, b int32) int { return compareBundled(&jobs[a], &jobs[b]) })
			rest = rest[n:]
		}
	}
	return q
}

// maxBundled is how many files go into a bundle however small they are: what was found out about them is in memory until it is written.
const maxBundled = 10_000

// fill puts files into a bundle until it is full and returns how many.
func (q *queues) fill(bundle int64, list []int32, bundleSize int64) int {
	size := int64(0)
	for n, i := range list {
		q.jobs[i].bundle = bundle
		if size += q.jobs[i].size; size >= bundleSize || n+1 == maxBundled {
			return n + 1
		}
	}
	return len(list)
}

// compareJobs orders a queue: files of their own, the biggest first; then those that lie in bundles already, so that they stay
// together as they are; then the others by age, as those that change together are best stored together.
func compareJobs(one, two *job) int {
	switch {
	case one.bundled != two.bundled:
		if two.bundled {
			return -1
		}
		return 1
	case !one.bundled:
		return cmp.Or(cmp.Compare(two.size, one.size), strings.Compare(one.name, two.name))
	case one.prior != nil && two.prior != nil:
		return cmp.Or(comparePlaces(one, two), strings.Compare(one.name, two.name))
	case one.prior != nil:
		return -1
	case two.prior != nil:
		return 1
	}
	return cmp.Or(cmp.Compare(one.modified, two.modified), strings.Compare(one.name, two.name))
}

// comparePlaces orders files by where the prior backup has them.
func comparePlaces(one, two *job) int {
	return cmp.Or(
		strings.Compare(one.prior.Reference, two.prior.Reference), // that backup itself comes first, which is as good as any order
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
	return first + "/" + oid
}

// next returns what a worker, counted from 0, does next: a file, or all files of a bundle. Workers begin at different queues and turn
// to others when theirs is empty, every second one in the other direction. There is nothing left if it returns nothing.
func (q *queues) next(worker int) []*job {
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
		if len(q.lists[first+i]) > 0 {
			return q.take(first + i)
		}
	}
	return nil
}

// take removes the first file of a queue and those that go into the same bundle.
func (q *queues) take(i int) []*job {
	list := q.lists[i]
	first := &q.jobs[list[0]]
	n := 1
	for first.bundle > 0 && n < len(list) && q.jobs[list[n]].bundle == first.bundle {
		n++
	}
	q.lists[i] = list[n:]
	taken := make([]*job, n)
	for k := range taken {
		taken[k] = &q.jobs[list[k]]
	}
	return taken
}
