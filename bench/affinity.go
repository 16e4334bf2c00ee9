package main

import (
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"runtime/debug"
	"strconv"
	"time"

	"golang.org/x/sys/unix"
)

const (
	serverCore = 0
	clientCore = 1
)

// takeClientCore binds this process to the client core and its main goroutine
// to its thread, raises the descriptor limit as far as it goes, and turns the
// collector off: rounds collect between windows.
func takeClientCore() error {
	runtime.LockOSThread()
	debug.SetGCPercent(-1)
	if err := raiseDescriptorLimit(); err != nil {
		return err
	}
	tasks, err := os.ReadDir("/proc/self/task")
	if err != nil {
		return err
	}
	for _, t := range tasks {
		tid, _ := strconv.Atoi(t.Name())
		if err := bindThread(tid, clientCore); err != nil {
			return err
		}
	}
	return nil
}

// startOnServerCore starts cmd bound to the server core: a child inherits the
// affinity of the thread that forks it.
func startOnServerCore(cmd *exec.Cmd) error {
	if err := bindThread(0, serverCore); err != nil {
		return err
	}
	startErr := cmd.Start()
	if err := bindThread(0, clientCore); err != nil {
		return err
	}
	return startErr
}

// spread lets all threads that the server has use both cores.
func (s *server) spread() error {
	for _, pid := range s.processes() {
		tasks, err := os.ReadDir(fmt.Sprintf("/proc/%d/task", pid))
		if err != nil {
			return err
		}
		for _, t := range tasks {
			tid, _ := strconv.Atoi(t.Name())
			if err := bindThread(tid, serverCore, clientCore); err != nil {
				return err
			}
		}
	}
	return nil
}

func bindThread(tid int, cores ...int) error {
	var set unix.CPUSet
	for _, core := range cores {
		set.Set(core)
	}
	if err := unix.SchedSetaffinity(tid, &set); err != nil {
		return fmt.Errorf("bind to CPU %v (two are needed): %w", cores, err)
	}
	return nil
}

// raiseDescriptorLimit raises the soft limit to the hard one; children inherit it.
func raiseDescriptorLimit() error {
	var lim unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &lim); err != nil {
		return err
	}
	lim.Cur = lim.Max
	return unix.Setrlimit(unix.RLIMIT_NOFILE, &lim)
}

// threadTime returns the CPU time of the calling thread, which carries the load.
func threadTime() time.Duration {
	var ts unix.Timespec
	unix.ClockGettime(unix.CLOCK_THREAD_CPUTIME_ID, &ts)
	return time.Duration(ts.Nano())
}
