package logs

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// syslogPatience is how long one datagram may wait for a unix socket whose reader is behind.
const syslogPatience = 200 * time.Millisecond

// A Syslog sends datagrams in the format of RFC 3164. It connects with the first one, and again after a failure. The
// failures are reported in the error log once a minute.
type Syslog struct {
	syslogServer
	files    *Files
	queue    queue
	hostname string // with a space behind, or empty

	// Touched only by write, of which one runs at a time.
	fd       int
	reported time.Time
}

// Syslog returns the sink of a `syslog:…` destination; see parseSyslog.
func (g *Generation) Syslog(destination string) (*Syslog, error) {
	server, err := parseSyslog(destination)
	if err != nil {
		return nil, err
	}
	s := &Syslog{syslogServer: server, files: g.set, fd: -1}
	if !server.NoHostname {
		name, _ := os.Hostname()
		s.hostname = strings.ToLower(name) + " "
	}
	s.queue.init(g.set, s.write)
	g.set.mu.Lock()
	defer g.set.mu.Unlock()
	g.syslogs = append(g.syslogs, s)
	return s, nil
}

// Write sends a line of an access log, which has no line feed, with the destination's severity. The line is copied.
func (s *Syslog) Write(line []byte) { s.send(time.Now(), s.Severity, true, line) }

// log sends a line of the error log.
func (s *Syslog) log(now time.Time, level Level, line []byte) {
	s.send(now, int(max(level, Emerg)-Emerg), false, line)
}

func (s *Syslog) send(now time.Time, severity int, access bool, line []byte) {
	var room [128]byte
	s.queue.put(segment{kind: message, lines: 1, access: access}, s.appendHeader(room[:0], now, severity), line)
}

func (s *Syslog) appendHeader(dst []byte, now time.Time, severity int) []byte {
	dst = append(dst, '<')
	dst = strconv.AppendInt(dst, int64(s.Facility*8+severity), 10)
	dst = append(dst, '>')
	dst = append(dst, stampOf(now).syslog[:]...)
	dst = append(dst, ' ')
	dst = append(dst, s.hostname...)
	dst = append(dst, s.Tag...)
	return append(dst, ": "...)
}

func (s *Syslog) write(b batch) {
	for _, seg := range b.segments {
		datagram := b.data[:seg.n]
		b.data = b.data[seg.n:]
		switch seg.kind {
		case message:
			s.deliver(datagram)
		case forget:
			s.disconnect()
		case barrier:
			close(seg.done)
		}
	}
	if lost := b.lost + b.lostAccess; lost > 0 {
		s.report(Warn, fmt.Sprintf("%d messages were lost", lost))
	}
}

// deliver tries a second time on a new socket: the first failure may be the echo of an earlier datagram, or the
// server was started anew.
func (s *Syslog) deliver(datagram []byte) {
	err := s.try(datagram)
	if err != nil && err != unix.EAGAIN {
		s.disconnect()
		err = s.try(datagram)
	}
	if err == nil {
		return
	}
	if err != unix.EAGAIN {
		s.disconnect()
	}
	s.trouble(err)
}

func (s *Syslog) try(datagram []byte) error {
	if s.fd < 0 {
		if err := s.connect(); err != nil {
			return err
		}
	}
	for {
		_, err := unix.Write(s.fd, datagram)
		if err != unix.EINTR {
			return err
		}
	}
}

func (s *Syslog) connect() error {
	family := unix.AF_UNIX
	switch s.Addr.(type) {
	case *unix.SockaddrInet4:
		family = unix.AF_INET
	case *unix.SockaddrInet6:
		family = unix.AF_INET6
	}
	fd, err := unix.Socket(family, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return &connectError{"socket()", err}
	}
	patience := unix.NsecToTimeval(int64(syslogPatience))
	if err := unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_SNDTIMEO, &patience); err != nil {
		closeQuietly(fd)
		return &connectError{"setsockopt(SO_SNDTIMEO)", err}
	}
	if err := unix.Connect(fd, s.Addr); err != nil {
		closeQuietly(fd)
		return &connectError{"connect()", err}
	}
	s.fd = fd
	return nil
}

func (s *Syslog) disconnect() {
	if s.fd >= 0 {
		closeQuietly(s.fd)
	}
	s.fd = -1
}

// connectError tells which call on the way to a connected socket failed.
type connectError struct {
	call string
	err  error
}

func (e *connectError) Error() string { return ErrnoText(e.call+" failed", e.err) }
func (e *connectError) Unwrap() error { return e.err }

func (s *Syslog) trouble(err error) {
	if failed, ok := err.(*connectError); ok {
		s.report(Alert, failed.Error())
		return
	}
	s.report(Error, ErrnoText("send() failed", err))
}

func (s *Syslog) report(level Level, msg string) {
	now := time.Now()
	if now.Sub(s.reported) < reportEvery {
		return
	}
	s.reported = now
	s.files.report(level, msg+" while logging to syslog, server: "+s.Server)
}
