package test

import (
	"regexp"
	"strings"
	"testing"
)

// pidAndThread is what stands between the level and the message of a log line.
var pidAndThread = regexp.MustCompile(`\d+#\d+: `)

// TestBadConfigurations starts weir on configurations that it must refuse: with nginx's message on the terminal and in
// the log, a position, and exit code 1.
func TestBadConfigurations(t *testing.T) {
	for _, test := range []struct{ conf, want string }{
		{"foo;", `unknown directive "foo" in {dir}/nginx.conf:1`},
		{"listen 80;", `"listen" directive is not allowed here in {dir}/nginx.conf:1`},
		{"stream {\n server { listen {host}:1 bad; } }", `invalid parameter "bad" in {dir}/nginx.conf:2`},
		{"\nworker_processes 1 2;", `invalid number of arguments in "worker_processes" directive in {dir}/nginx.conf:2`},
		{"worker_processes 1; worker_processes 2;", `"worker_processes" directive is duplicate in {dir}/nginx.conf:1`},
		{"daemon maybe;", `invalid value "maybe" in "daemon" directive, it must be "on" or "off" in {dir}/nginx.conf:1`},
		{"worker_shutdown_timeout soon;", `"worker_shutdown_timeout" directive invalid value in {dir}/nginx.conf:1`},
		{"stream {\n", `unexpected end of file, expecting "}" in {dir}/nginx.conf:2`},
		{"stream { } }\n", `unexpected "}" in {dir}/nginx.conf:1`},
		{"worker_processes 1", `unexpected end of file, expecting ";" or "}" in {dir}/nginx.conf:1`},
		{"stream;", `directive "stream" has no opening "{" in {dir}/nginx.conf:1`},
		{"pid a {}", `directive "pid" is not terminated by ";" in {dir}/nginx.conf:1`},
		{"stream { } stream { }", `"stream" directive is duplicate in {dir}/nginx.conf:1`},
		{"events { } events { }", `"events" directive is duplicate in {dir}/nginx.conf:1`},
		{"events { use kqueue; }", `invalid event type "kqueue" in {dir}/nginx.conf:1`},
		{"events { worker_connections many; }", `"worker_connections" directive invalid number in {dir}/nginx.conf:1`},
		{"\nhttp { server { } }", `"http" is not served by weir, which serves "stream" only, in {dir}/nginx.conf:2`},
		{"mail { }", `"mail" is not served by weir, which serves "stream" only, in {dir}/nginx.conf:1`},
		{"user nobody_of_this_name;", `getpwnam("nobody_of_this_name") failed in {dir}/nginx.conf:1`},
		{"error_log {dir}/x loud;", `invalid log level "loud" in {dir}/nginx.conf:1`},
		{"error_log {dir}/none/x;", `open() "{dir}/none/x" failed (2: No such file or directory)`},
		{"worker_cpu_affinity 2;", `invalid character "2" in "worker_cpu_affinity" in {dir}/nginx.conf:1`},
		{"working_directory {dir}/none;", `chdir() "{dir}/none" failed (2: No such file or directory)`},
		{"include none.conf;", `open() "{dir}/none.conf" failed (2: No such file or directory) in {dir}/nginx.conf:1`},
		{"stream { server { } }", `no "listen" is defined for server in {dir}/nginx.conf:1`},
		{"stream { server { listen {host}:1; proxy_pass nosuchhost.invalid:1; } }",
			`host not found in upstream "nosuchhost.invalid:1" in {dir}/nginx.conf:1`},
		{"stream { server { listen 192.0.2.1:1; return x; } }",
			`bind() to 192.0.2.1:1 failed (99: Cannot assign requested address)`},
	} {
		t.Run(test.conf, func(t *testing.T) {
			w := newWorkspace(t)
			w.write("nginx.conf", test.conf)
			got := w.command("-p", w.dir, "-c", "nginx.conf", "-e", "error.log", "-g", "pid weir.pid;")
			want := "[emerg] " + w.expand(test.want) + "\n"
			if log := pidAndThread.ReplaceAllString(w.read("error.log"), ""); !strings.HasSuffix(log, want) {
				t.Errorf("error.log %q, want %q", log, want)
			}
			if got.code != 1 || got.stderr != "weir: "+want {
				t.Errorf("exit code %d, stderr %q, want %q", got.code, got.stderr, want)
			}
			if w.read("weir.pid") != "" {
				t.Error("a pid file was written")
			}
		})
	}
}

// TestWarnings: what is accepted but does nothing is told.
func TestWarnings(t *testing.T) {
	w := newWorkspace(t)
	w.write("nginx.conf", "load_module modules/x.so;\nworker_processes 2; pcre_jit on; timer_resolution 10ms; lock_file l;"+
		"thread_pool a threads=2; debug_points stop; worker_rlimit_core 1m; master_process on; worker_priority +1;"+
		"events { worker_connections 10; multi_accept on; use epoll; accept_mutex on; accept_mutex_delay 1s;"+
		" worker_aio_requests 1; debug_connection 127.0.0.1; }")
	got := w.command("-t", "-p", w.dir, "-c", "nginx.conf", "-e", "error.log", "-g", "pid weir.pid;")
	want := w.expand(`weir: [warn] "load_module" of "modules/x.so" is ignored: weir has no loadable modules in {dir}/nginx.conf:1`)
	if got.code != 0 || !strings.Contains(got.stderr, want) {
		t.Errorf("exit code %d, stderr %q", got.code, got.stderr)
	}
}
