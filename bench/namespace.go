package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"syscall"

	"golang.org/x/sys/unix"
)

// insideVariable tells the process that it is in the network namespace made for it.
const insideVariable = "WEIR_BENCH_INSIDE"

// enterNamespace runs the program again in a network namespace of its own, which remembers no connection in TIME_WAIT: a
// table of them that fills up makes new connections dearer while they are being measured. It answers true when that has
// happened, and then err is how it went. Where no namespace can be made, the machine's own network has to do.
func enterNamespace() (ran bool, err error) {
	if os.Getenv(insideVariable) != "" {
		return false, setUpNamespace()
	}
	runtime.LockOSThread() // the child dies with the thread that has made it
	defer runtime.UnlockOSThread()
	cmd := exec.Command("/proc/self/exe", os.Args[1:]...)
	cmd.Args[0] = os.Args[0]
	cmd.Env = append(os.Environ(), insideVariable+"=1")
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: unix.CLONE_NEWNET, Pdeathsig: unix.SIGKILL}
	if err := cmd.Start(); err != nil {
		fmt.Fprintf(os.Stderr, "no network namespace (%v): differences of new connections will be unsteady\n", err)
		return false, nil
	}
	err = cmd.Wait()
	if exit := (*exec.ExitError)(nil); errors.As(err, &exit) {
		os.Exit(1) // it has said why
	}
	return true, err
}

// setUpNamespace brings loopback up.
func setUpNamespace() error {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return os.NewSyscallError("socket", err)
	}
	defer unix.Close(fd)
	lo, err := unix.NewIfreq("lo")
	if err != nil {
		return err
	}
	lo.SetUint16(unix.IFF_UP | unix.IFF_RUNNING)
	if err := unix.IoctlIfreq(fd, unix.SIOCSIFFLAGS, lo); err != nil {
		return fmt.Errorf("bring up lo: %w", err)
	}
	return os.WriteFile("/proc/sys/net/ipv4/tcp_max_tw_buckets", []byte("0"), 0)
}
