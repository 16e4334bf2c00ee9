package test

import (
	"regexp"
	"testing"
)

// TestErrlog reads captured lines of the error log back (ngx.errlog, lua_capture_error_log).
func TestErrlog(t *testing.T) {
	s := start(t, `error_log error.log info;
	stream {
		lua_capture_error_log 32k;
		init_by_lua_block { require("ngx.errlog").set_filter_level(ngx.WARN) }
		server { listen {host}:9000; content_by_lua_block {
			local errlog = require "ngx.errlog"
			ngx.log(ngx.INFO, "too talkative")
			ngx.log(ngx.ERR, "first")
			errlog.raw_log(ngx.WARN, "second")
			local list = errlog.get_logs(10, {})
			ngx.say(#list, " ", list[1], " ", list[2] - ngx.now() < 1, " ", list[3])
			ngx.say(list[4], " ", list[6])
			ngx.say(#errlog.get_logs())
			ngx.say(errlog.get_sys_filter_level())
			ngx.say(errlog.set_filter_level())
			ngx.say(errlog.set_filter_level(100))
			ngx.say(select(2, pcall(errlog.raw_log, "x", "y")))
			ngx.say(select(2, pcall(errlog.raw_log, 3, 4)))
			ngx.say(select(2, pcall(errlog.raw_log, 100, "y")))
		} }
	}`)
	want := regexp.MustCompile(`^6 4 true \d{4}/\S+ \S+ \[error\] .*content_by_lua\(nginx.conf:\d+\):4: first, client: .*
5 \d{4}/\S+ \S+ \[warn\] \d+#\d+: \*1 second, client: .*
0
7
nilmissing "level" argument
nilbad log level: 100
bad argument #1 to 'raw_log' \(must be a number\)
bad argument #2 to 'raw_log' \(must be a string\)
bad log level
$`)
	if got := s.dial(9000).all(); !want.MatchString(got) {
		t.Errorf("got\n%s", got)
	}
}

// TestErrlogOff: without lua_capture_error_log there is nothing to read.
func TestErrlogOff(t *testing.T) {
	s := start(t, `stream { server { listen {host}:9000; content_by_lua_block {
		local errlog = require "ngx.errlog"
		ngx.say(errlog.get_logs())
		ngx.say(errlog.set_filter_level(ngx.ERR))
	} } }`)
	refusal := "nil" + `directive "lua_capture_error_log" is not set` + "\n"
	s.dial(9000).wantAll(refusal + refusal)
}
