package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"time"
)

// cost is what one command took.
type cost struct {
	wall, cpu time.Duration
	memory    int64 // most of all its processes together, bytes
	stored    int64 // what the repository holds, bytes; 0 where it says nothing
}

// add counts the cost of another command of the same run.
func (c *cost) add(o cost) {
	c.wall += o.wall
	c.cpu += o.cpu
	c.memory = max(c.memory, o.memory)
}

// median takes the middle of each figure.
func median(runs []cost) cost {
	mid := func(figure func(cost) int64) int64 {
		all := make([]int64, len(runs))
		for i, r := range runs {
			all[i] = figure(r)
		}
		slices.Sort(all)
		return all[len(all)/2]
	}
	return cost{
		wall:   time.Duration(mid(func(c cost) int64 { return int64(c.wall) })),
		cpu:    time.Duration(mid(func(c cost) int64 { return int64(c.cpu) })),
		memory: mid(func(c cost) int64 { return c.memory }),
		stored: mid(func(c cost) int64 { return c.stored }),
	}
}

const sampleEvery = 10 * time.Millisecond

// measure runs a command and watches its process tree.
func measure(ctx context.Context, cmd *exec.Cmd) (cost, error) {
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	began := time.Now()
	if err := cmd.Start(); err != nil {
		return cost{}, err
	}
	done := make(chan error, 1)
	go func() { done <- cmd.Wait() }()
	w := watch{cpu: map[int]time.Duration{}}
	tick := time.NewTicker(sampleEvery)
	defer tick.Stop()
	for {
		select {
		case err := <-done:
			c := cost{wall: time.Since(began), memory: w.peak}
			// The system counts the children a program has waited for; the samples also the others.
			c.cpu = max(cmd.ProcessState.UserTime()+cmd.ProcessState.SystemTime(), w.total())
			if err != nil {
				return c, fmt.Errorf("%s: %w\n%s", strings.Join(cmd.Args, " "), err, out.String())
			}
			return c, nil
		case <-tick.C:
			w.sample(cmd.Process.Pid)
		}
	}
}

// watch collects what the processes of a tree use while they live.
type watch struct {
	cpu  map[int]time.Duration
	peak int64
}

func (w *watch) total() time.Duration {
	var sum time.Duration
	for _, t := range w.cpu {
		sum += t
	}
	return sum
}

func (w *watch) sample(root int) {
	var memory int64
	for _, pid := range processTree(root) {
		memory += proportional(pid)
		if t, ok := processorTime(pid); ok {
			w.cpu[pid] = t
		}
	}
	w.peak = max(w.peak, memory)
}

// processTree is a process and its descendants.
func processTree(pid int) []int {
	all := []int{pid}
	tasks, _ := os.ReadDir(fmt.Sprintf("/proc/%d/task", pid))
	for _, task := range tasks {
		children, _ := os.ReadFile(fmt.Sprintf("/proc/%d/task/%s/children", pid, task.Name()))
		for _, field := range strings.Fields(string(children)) {
			if child, err := strconv.Atoi(field); err == nil {
				all = append(all, processTree(child)...)
			}
		}
	}
	return all
}

// proportional is the memory of a process, with what it shares divided among those who share it.
func proportional(pid int) int64 {
	text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/smaps_rollup", pid))
	for line := range strings.Lines(string(text)) {
		if rest, ok := strings.CutPrefix(line, "Pss:"); ok {
			kb, _ := strconv.ParseInt(strings.Fields(rest)[0], 10, 64)
			return kb << 10
		}
	}
	return 0
}

const ticksPerSecond = 100

func processorTime(pid int) (time.Duration, bool) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0, false
	}
	_, after, ok := strings.Cut(string(text), ") ")
	fields := strings.Fields(after)
	if !ok || len(fields) < 13 {
		return 0, false
	}
	user, _ := strconv.ParseInt(fields[11], 10, 64)
	system, _ := strconv.ParseInt(fields[12], 10, 64)
	return time.Duration(user+system) * time.Second / ticksPerSecond, true
}
