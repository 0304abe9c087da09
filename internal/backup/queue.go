package backup

import (
	"cmp"
	"slices"
	"strings"
	"sync"
)

// queues hand out the jobs: a queue for the data directory and one for each tablespace, so that workers read from different file
// systems where there are several. In a queue the biggest file comes first, or the last worker would be left alone with it.
type queues struct {
	jobs []job

	mu    sync.Mutex
	lists [][]int32 // indexes of jobs
}

func newQueues(jobs []job) *queues {
	q := &queues{jobs: jobs}
	index := map[string]int{}
	for i, j := range jobs {
		target := targetOf(j.name)
		n, found := index[target]
		if !found {
			n = len(q.lists)
			index[target] = n
			q.lists = append(q.lists, nil)
		}
		q.lists[n] = append(q.lists[n], int32(i))
	}
	for _, list := range q.lists {
		slices.SortFunc(list, func(a, b int32) int {
			one, two := &jobs[a], &jobs[b]
			return cmp.Or(cmp.Compare(two.size, one.size), strings.Compare(one.name, two.name))
		})
	}
	return q
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

// next returns the next job for a worker, counted from 0. Workers begin at different queues and turn to others when theirs is empty,
// every second one in the other direction.
func (q *queues) next(worker int) (job, bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	n := len(q.lists)
	for step := range n {
		i := (worker%n + step) % n
		if worker%2 == 1 {
			i = (worker%n - step + n) % n
		}
		if list := q.lists[i]; len(list) > 0 {
			q.lists[i] = list[1:]
			return q.jobs[list[0]], true
		}
	}
	return job{}, false
}
