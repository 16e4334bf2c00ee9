package accesslog

import (
	"github.com/weirproxy/weir/internal/stream"
)

// write is the handler of the log phase.
func write(s *stream.Session) stream.Result {
	c := slot.Of(s.Server)
	for _, l := range c.logs {
		if l.filter == nil || passes(s, l.filter) {
			l.write(s, c.files)
		}
	}
	return stream.Declined
}

// passes tells whether the condition is neither empty nor "0".
func passes(s *stream.Session, condition *stream.Template) bool {
	buf := condition.Append(s.Worker.LendText(), s)
	defer s.Worker.KeepText(buf)
	return len(buf) > 1 || len(buf) == 1 && buf[0] != '0'
}

// write hands a session's line to the log's sink, which copies it.
func (l *accessLog) write(s *stream.Session, files *openFiles) {
	line := l.format.append(s.Worker.LendText(), s)
	if l.syslog != nil {
		l.syslog.Write(line)
		s.Worker.KeepText(line)
		return
	}
	line = append(line, '\n')
	if l.file != nil {
		l.file.Write(line)
		s.Worker.KeepText(line)
		return
	}
	end := len(line)
	line = l.path.Append(line, s)
	files.writer.Write(line[end:], line[:end])
	s.Worker.KeepText(line)
}
