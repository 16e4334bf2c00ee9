package main

import (
	"bufio"
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// processTree returns pid and all that descend from it: an nginx master's workers.
func processTree(pid int) []int {
	pids := []int{pid}
	files, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", pid))
	for _, f := range files {
		b, _ := os.ReadFile(f)
		for _, child := range strings.Fields(string(b)) {
			n, _ := strconv.Atoi(child)
			pids = append(pids, processTree(n)...)
		}
	}
	return pids
}

// cpuTime returns the time that all threads of the processes have been on a CPU,
// in user and kernel mode, in nanoseconds as the scheduler counts them (first
// figure of /proc/PID/task/TID/schedstat). Threads that have exited do not count.
func cpuTime(pids []int) (time.Duration, error) {
	var total time.Duration
	for _, pid := range pids {
		files, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/schedstat", pid))
		if len(files) == 0 {
			return 0, fmt.Errorf("process %d is gone", pid)
		}
		for _, f := range files {
			b, _ := os.ReadFile(f)
			ns, _, _ := bytes.Cut(b, []byte{' '})
			n, _ := strconv.ParseInt(string(ns), 10, 64)
			total += time.Duration(n)
		}
	}
	return total, nil
}

// memory returns the proportional set size of the processes, in bytes.
func memory(pids []int) (int64, error) {
	var total int64
	for _, pid := range pids {
		b, err := os.ReadFile(fmt.Sprintf("/proc/%d/smaps_rollup", pid))
		if err != nil {
			return 0, err
		}
		kb, err := strconv.ParseInt(strings.Fields(line(b, "Pss:") + " ?")[0], 10, 64)
		if err != nil {
			return 0, fmt.Errorf("smaps_rollup of process %d: %w", pid, err)
		}
		total += kb << 10
	}
	return total, nil
}

// busyTime returns how long a core has not been idle (/proc/stat, 10 ms grain).
func busyTime(core int) time.Duration {
	b, _ := os.ReadFile("/proc/stat")
	s := bufio.NewScanner(bytes.NewReader(b))
	for s.Scan() {
		f := strings.Fields(s.Text())
		if f[0] != fmt.Sprintf("cpu%d", core) {
			continue
		}
		var ticks int64
		for _, i := range []int{1, 2, 3, 6, 7} { // user nice system irq softirq
			n, _ := strconv.ParseInt(f[i], 10, 64)
			ticks += n
		}
		return time.Duration(ticks) * 10 * time.Millisecond
	}
	return 0
}
