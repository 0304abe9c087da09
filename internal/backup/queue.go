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
	mu   sync.Mutex
	jobs [][]job
}

func newQueues(jobs []job) *queues {
	q := &queues{}
	index := map[string]int{}
	for _, j := range jobs {
		target := targetOf(j.name)
		i, found := index[target]
		if !found {
			i = len(q.jobs)
			index[target] = i
			q.jobs = append(q.jobs, nil)
		}
		q.jobs[i] = append(q.jobs[i], j)
	}
	for _, list := range q.jobs {
		slices.SortFunc(list, func(a, b job) int { return cmp.Or(cmp.Compare(b.size, a.size), strings.Compare(a.name, b.name)) })
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
	n := len(q.jobs)
	for step := range n {
		i := (worker%n + step) % n
		if worker%2 == 1 {
			i = (worker%n - step + n) % n
		}
		if list := q.jobs[i]; len(list) > 0 {
			q.jobs[i] = list[1:]
			return list[0], true
		}
	}
	return job{}, false
}
