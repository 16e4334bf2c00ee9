package logs

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// reportEvery is how often the same trouble with a log is told (ngx_stream_log_write: 59 seconds and more).
const reportEvery = time.Minute

// A File is an append-only log file, shared by everything that names its path, or stderr. It is opened by
// Generation.Open and closed when the last generation that named it is released.
type File struct {
	path  string // "" is stderr
	files *Files
	queue queue

	refs int  // guarded by Files.mu
	open bool // guarded by Files.mu

	// Touched only by write, of which one runs at a time.
	fd       int
	zip      [gzip.BestCompression + 1]*gzip.Writer
	zipped   bytes.Buffer
	full     int64 // the second in which the disk was full; it is left alone until the next
	reported time.Time
}

func newFile(fs *Files, path string) *File {
	f := &File{path: path, files: fs, fd: -1}
	if path == "" {
		f.fd = syscall.Stderr
	}
	f.queue.init(fs, f.write)
	return f
}

func (f *File) write(b batch) {
	for _, s := range b.segments {
		text := b.data[:s.n]
		b.data = b.data[s.n:]
		switch s.kind {
		case plain:
			f.appendLines(text, s.access)
		case zipped:
			f.appendLines(f.compress(text, s.level), s.access)
		case descriptor:
			f.replace(s.fd)
		case barrier:
			close(s.done)
		}
	}
	if b.lost > 0 {
		line := appendPrefix(nil, time.Now(), Warn, 0)
		_ = f.append(fmt.Appendf(line, "%d messages were lost\n", b.lost))
	}
	if b.lostAccess > 0 {
		f.files.report(Warn, fmt.Sprintf("%d messages were lost, access log %s", b.lostAccess, quote(f.path)))
	}
}

func (f *File) append(text []byte) error {
	if f.fd < 0 {
		return nil
	}
	now := time.Now().Unix()
	if f.full == now {
		return nil
	}
	_, err := writeAll(f.fd, text)
	if errors.Is(err, syscall.ENOSPC) {
		f.full = now
	}
	return err
}

// appendLines appends lines of a log. That those of an access log cannot be written is told in the error log.
func (f *File) appendLines(lines []byte, access bool) {
	err := f.append(lines)
	if err == nil || !access {
		return
	}
	if now := time.Now(); now.Sub(f.reported) >= reportEvery {
		f.reported = now
		f.files.report(Alert, ErrnoText("write() to "+quote(f.path)+" failed", err))
	}
}

// compress returns text as one gzip member, valid until the next call.
func (f *File) compress(text []byte, level int) []byte {
	f.zipped.Reset()
	z := f.zip[level]
	if z == nil {
		z, _ = gzip.NewWriterLevel(&f.zipped, level) // the level is one of gzip's
		f.zip[level] = z
	}
	z.Reset(&f.zipped)
	_, _ = z.Write(text) // a bytes.Buffer takes everything
	_ = z.Close()
	return f.zipped.Bytes()
}

func (f *File) replace(fd int) {
	if f.path == "" {
		return
	}
	if f.fd >= 0 {
		_ = unix.Close(f.fd)
	}
	f.fd = fd
	f.full = 0
}

// openLog opens path for appending; a new file has mode 0644. It may wait (a pipe without a reader).
func openLog(path string) (fd int, err error) {
	const flags = unix.O_APPEND | unix.O_CREAT | unix.O_WRONLY | unix.O_CLOEXEC | unix.O_NOCTTY
	for {
		fd, err = unix.Open(path, flags, 0o644)
		if err != unix.EINTR {
			break
		}
	}
	if err != nil {
		return -1, &openError{path, err}
	}
	return fd, nil
}

// openError reads `open() "/var/log/x" failed (2: No such file or directory)`.
type openError struct {
	path string
	err  error
}

func (e *openError) Error() string { return ErrnoText("open() "+quote(e.path)+" failed", e.err) }
func (e *openError) Unwrap() error { return e.err }

// own makes uid the owner of an open regular file, so that the process can open it again after it has become uid
// (ngx_reopen_files).
func own(fd int, path string, uid int) error {
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		return fmt.Errorf("%s", ErrnoText("stat() "+quote(path)+" failed", err))
	}
	if st.Mode&unix.S_IFMT != unix.S_IFREG {
		return nil
	}
	if int(st.Uid) != uid {
		if err := unix.Fchown(fd, uid, -1); err != nil {
			return fmt.Errorf("%s", ErrnoText(fmt.Sprintf("chown(%s, %d) failed", quote(path), uid), err))
		}
	}
	const readWrite = unix.S_IRUSR | unix.S_IWUSR
	if st.Mode&readWrite == readWrite {
		return nil
	}
	if err := unix.Fchmod(fd, st.Mode&0o7777|readWrite); err != nil {
		return fmt.Errorf("%s", ErrnoText("chmod() "+quote(path)+" failed", err))
	}
	return nil
}

// writeAll writes all of b to a descriptor, waiting a second at most where it is a full non-blocking terminal or pipe.
func writeAll(fd int, b []byte) (n int, err error) {
	for n < len(b) {
		m, err := unix.Write(fd, b[n:])
		switch {
		case err == nil:
			n += m
		case err == unix.EINTR:
		case err == unix.EAGAIN:
			ready, err := unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLOUT}}, 1000)
			if ready == 0 && err == nil {
				return n, unix.EAGAIN
			}
		default:
			return n, err
		}
	}
	return n, nil
}
