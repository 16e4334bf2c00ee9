package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// receiverPath is where the server hands connections over.
func (r *run) receiverPath() string { return filepath.Join(r.server.dir, "receiver") }

// receive is the process that -receive asks for: it takes connections over and echoes what they send, until it is
// killed. With many connections one process has not descriptors enough for both ends.
func receive(path string) error {
	if err := takeClientCore(); err != nil {
		return err
	}
	l, err := newLoop()
	if err != nil {
		return err
	}
	defer l.close()
	if err := serveReceiver(l, path, serveEcho); err != nil {
		return err
	}
	for l.err == nil {
		l.turn(time.Second)
	}
	return l.err
}

// startReceiver runs such a process.
func (r *run) startReceiver() (stop func(), err error) {
	cmd := exec.Command("/proc/self/exe", "-receive", r.receiverPath())
	cmd.Stderr = os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	stop = func() {
		cmd.Process.Kill()
		cmd.Wait()
	}
	for end := time.Now().Add(5 * time.Second); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		if _, err := os.Stat(r.receiverPath()); err == nil {
			return stop, nil
		}
	}
	stop()
	return nil, fmt.Errorf("no receiver at %s", r.receiverPath())
}

// serveReceiver listens at path; serv gets each connection that is handed over.
func serveReceiver(l *loop, path string, serv acceptFunc) error {
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	if err := unix.Bind(fd, &unix.SockaddrUnix{Name: path}); err != nil {
		unix.Close(fd)
		return fmt.Errorf("receiver %s: %w", path, err)
	}
	if err := unix.Listen(fd, 128); err != nil {
		unix.Close(fd)
		return err
	}
	l.add(fd, &listener{loop: l, fd: fd, serv: func(l *loop, fd int) {
		l.register(fd, &channel{loop: l, fd: fd, serv: serv}, unix.EPOLLIN)
	}})
	return l.err
}

// channel is a connection on which the server hands others over.
type channel struct {
	loop *loop
	fd   int
	serv acceptFunc
	oob  [64]byte
}

// accepted is a receiver's answer.
var accepted = []byte{'A'}

func (c *channel) ready(uint32) {
	n, oobn, flags, _, err := unix.Recvmsg(c.fd, c.loop.buf[:], c.oob[:], unix.MSG_CMSG_CLOEXEC)
	if err == unix.EAGAIN {
		return
	}
	if err != nil || n == 0 {
		c.loop.remove(c.fd)
		return
	}
	fd, err := rights(c.oob[:oobn])
	if err != nil || flags&unix.MSG_CTRUNC != 0 {
		c.loop.fail(fmt.Errorf("a message without one descriptor: %v", err))
		return
	}
	if _, err := send(c.fd, accepted); err != nil {
		c.loop.fail(fmt.Errorf("answer to a hand-over: %w", err))
		return
	}
	c.serv(c.loop, fd)
}

// rights is the one descriptor in a message.
func rights(oob []byte) (int, error) {
	messages, err := unix.ParseSocketControlMessage(oob)
	if err != nil {
		return -1, err
	}
	if len(messages) != 1 {
		return -1, fmt.Errorf("%d control messages", len(messages))
	}
	fds, err := unix.ParseUnixRights(&messages[0])
	if err != nil || len(fds) != 1 {
		return -1, fmt.Errorf("%d descriptors: %v", len(fds), err)
	}
	return fds[0], nil
}
