package stream

import (
	"os"
	"strconv"
)

// NginxVersion is the version of nginx whose configuration is understood ($nginx_version).
const NginxVersion = "1.31.3"

var hostname, _ = os.Hostname()

// coreVariables are those of ngx_stream_variables.c.
var coreVariables = []Variable{
	{Name: "binary_remote_addr", Get: func(s *Session, _ *Var, dst []byte) ([]byte, bool) {
		if !s.Remote.IsValid() {
			return append(dst, "unix:"...), true
		}
		return append(dst, s.Remote.Addr().AsSlice()...), true
	}},
	{Name: "remote_addr", Get: func(s *Session, _ *Var, dst []byte) ([]byte, bool) {
		return s.appendRemote(dst), true
	}},
	{Name: "remote_port", Get: func(s *Session, _ *Var, dst []byte) ([]byte, bool) {
		if !s.Remote.IsValid() || s.Remote.Port() == 0 {
			return dst, true
		}
		return strconv.AppendUint(dst, uint64(s.Remote.Port()), 10), true
	}},
	{Name: "server_addr", Get: func(s *Session, _ *Var, dst []byte) ([]byte, bool) {
		local := s.LocalAddr()
		if local.IsUnix() {
			return append(dst, local.String()...), true
		}
		return local.AddrPort.Addr().AppendTo(dst), true
	}},
	{Name: "server_port", Get: func(s *Session, _ *Var, dst []byte) ([]byte, bool) {
		local := s.LocalAddr()
		if local.IsUnix() {
			return dst, true
		}
		return strconv.AppendUint(dst, uint64(local.AddrPort.Port()), 10), true
	}},
	{Name: "server_name", Get: func(s *Session, _ *Var, dst []byte) ([]byte, bool) {
		if len(s.Server.Names) == 0 {
			return dst, true
		}
		return append(dst, s.Server.Names[0]...), true
	}},
	{Name: "bytes_sent", Get: func(s *Session, _ *Var, dst []byte) ([]byte, bool) {
		return strconv.AppendInt(dst, s.Sent, 10), true
	}},
	{Name: "bytes_received", Get: func(s *Session, _ *Var, dst []byte) ([]byte, bool) {
		return strconv.AppendInt(dst, s.Received, 10), true
	}},
	{Name: "session_time", Get: func(s *Session, _ *Var, dst []byte) ([]byte, bool) {
		return AppendSeconds(dst, max(s.Worker.Loop.Now().UnixMilli()-s.Started, 0)), true
	}},
	{Name: "status", Get: func(s *Session, _ *Var, dst []byte) ([]byte, bool) {
		return append(dst, byte('0'+s.Status/100%10), byte('0'+s.Status/10%10), byte('0'+s.Status%10)), true
	}},
	{Name: "connection", Get: func(s *Session, _ *Var, dst []byte) ([]byte, bool) {
		return strconv.AppendUint(dst, s.ID, 10), true
	}},
	{Name: "nginx_version", Get: func(_ *Session, _ *Var, dst []byte) ([]byte, bool) {
		return append(dst, NginxVersion...), true
	}},
	{Name: "hostname", Get: func(_ *Session, _ *Var, dst []byte) ([]byte, bool) {
		return append(dst, hostname...), true
	}},
	{Name: "pid", Get: func(_ *Session, _ *Var, dst []byte) ([]byte, bool) {
		return strconv.AppendInt(dst, int64(os.Getpid()), 10), true
	}},
	{Name: "msec", Get: func(s *Session, _ *Var, dst []byte) ([]byte, bool) {
		return AppendSeconds(dst, s.Worker.Loop.Now().UnixMilli()), true
	}},
	{Name: "time_iso8601", Get: func(s *Session, _ *Var, dst []byte) ([]byte, bool) {
		return s.Worker.Loop.Now().AppendFormat(dst, "2006-01-02T15:04:05-07:00"), true
	}},
	{Name: "time_local", Get: func(s *Session, _ *Var, dst []byte) ([]byte, bool) {
		return s.Worker.Loop.Now().AppendFormat(dst, "02/Jan/2006:15:04:05 -0700"), true
	}},
	{Name: "protocol", Get: func(_ *Session, _ *Var, dst []byte) ([]byte, bool) {
		return append(dst, "TCP"...), true
	}},
}

// AppendSeconds appends milliseconds as nginx writes times: seconds with three decimals.
func AppendSeconds(dst []byte, millis int64) []byte {
	dst = strconv.AppendInt(dst, millis/1000, 10)
	rest := millis % 1000
	return append(dst, '.', byte('0'+rest/100), byte('0'+rest/10%10), byte('0'+rest%10))
}
