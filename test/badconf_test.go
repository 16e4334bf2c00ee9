package test

import (
	"fmt"
	"os"
	"regexp"
	"strings"
	"syscall"
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
		{"events { worker_connections many; }", `invalid number "many" in {dir}/nginx.conf:1`},
		{"events { worker_connections 0; }", `0 worker_connections are not enough for 0 listening sockets`},
		{"events { worker_connections 2; } stream { server { listen {host}:1; listen {host}:2; return x; } }",
			`2 worker_connections are not enough for 2 listening sockets`},
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
			`host not found in upstream "nosuchhost.invalid" in {dir}/nginx.conf:1`},
		{"stream { server { listen {host}:1; proxy_pass nogroup; } }", `no port in upstream "nogroup" in {dir}/nginx.conf:1`},
		{"stream { upstream u { server {host}:2; } server { listen {host}:1; proxy_pass U:3; } }",
			`upstream "u" may not have port 3 in {dir}/nginx.conf:1`},
		{"stream { server { listen {host}:1; proxy_pass u:3; } upstream u { server {host}:2; } }",
			`upstream "u" may not have port 3 in {dir}/nginx.conf:1`},
		{"stream { upstream u { zone z; server {host}:2; } }", `zero size shared memory zone "z"`},
		{"stream { limit_conn z 1; }", `zero size shared memory zone "z"`},
		{"stream { lua_shared_dict z 64k; limit_conn_zone $remote_addr zone=z:64k; }",
			`the shared memory zone "z" is already declared for a different use in {dir}/nginx.conf:1`},
		{"stream { upstream u { zone z 64k; server {host}:2; } upstream v { zone z 128k; server {host}:2; } }",
			`the size 131072 of shared memory zone "z" conflicts with already declared size 65536 in {dir}/nginx.conf:1`},
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

// TestNoEvents: a configuration must have an events{}, whatever weir is asked to do with it.
func TestNoEvents(t *testing.T) {
	const want = "[emerg] no \"events\" section in configuration\n"
	for _, test := range []struct {
		name, before, after string
		args                []string
	}{
		{name: "start"},
		{name: "signal", args: []string{"-s", "stop"}},
		{name: "test", args: []string{"-t"},
			before: "weir: the configuration file {dir}/nginx.conf syntax is ok\n",
			after:  "weir: configuration file {dir}/nginx.conf test failed\n"},
	} {
		t.Run(test.name, func(t *testing.T) {
			w := newWorkspace(t)
			w.put("nginx.conf", "stream { }")
			got := w.command(append(test.args, "-p", w.dir, "-c", "nginx.conf", "-e", "error.log", "-g", "pid weir.pid;")...)
			if wanted := w.expand(test.before + "weir: " + want + test.after); got.code != 1 || got.stderr != wanted {
				t.Errorf("exit code %d, stderr %q, want %q", got.code, got.stderr, wanted)
			}
			if w.read("weir.pid") != "" {
				t.Error("a pid file was written")
			}
		})
	}
}

// TestReloadNoEvents: the same in a reload, which changes nothing.
func TestReloadNoEvents(t *testing.T) {
	s := start(t, "stream { server { listen {host}:9000; return ok; } }")
	s.allow(`no "events" section in configuration`)
	s.put("nginx.conf", "stream { server { listen {host}:9000; return changed; } }")
	s.signal(syscall.SIGHUP)
	s.waitLog(`\[emerg\] .*: no "events" section in configuration`)
	s.dial(9000).wantAll("ok")
}

// TestManyConnections: more connections than descriptors are told of.
func TestManyConnections(t *testing.T) {
	w := newWorkspace(t)
	w.write("nginx.conf", "worker_processes 2; worker_rlimit_nofile 1000; events { worker_connections 501; }")
	got := w.command("-t", "-p", w.dir, "-c", "nginx.conf", "-e", "error.log", "-g", "pid weir.pid;")
	const want = "weir: [warn] 1002 worker_connections exceed open file resource limit: 1000\n"
	if got.code != 0 || !strings.Contains(got.stderr, want) {
		t.Errorf("exit code %d, stderr %q", got.code, got.stderr)
	}
}

// TestDescriptorLimit: worker_rlimit_nofile changes by reload; what the system refuses is told, and the rest works.
func TestDescriptorLimit(t *testing.T) {
	config := func(limit string) string {
		return "worker_rlimit_nofile " + limit + "; events { worker_connections 900; } stream { server { listen {host}:9000; return ok; } }"
	}
	s := start(t, config("1000"))
	s.allow("[alert] ")
	for _, test := range []struct{ limit, holds string }{{"500", "500"}, {"2000", "2000"}, {"99000000000", "2000"}} {
		s.reload(config(test.limit))
		s.dial(9000).wantAll("ok")
		limits, err := os.ReadFile(fmt.Sprintf("/proc/%d/limits", s.pid))
		if got := regexp.MustCompile(`(?m)^Max open files +(\d+)`).FindSubmatch(limits); err != nil || string(got[1]) != test.holds {
			t.Errorf("%s: %s (%v)", test.limit, got, err)
		}
	}
	s.waitLog(`\[warn\] .*: 900 worker_connections exceed open file resource limit: 500`)
	s.waitLog(`\[alert\] .*: setrlimit\(RLIMIT_NOFILE, 99000000000\) failed \(1: Operation not permitted\)`)
	s.stop()
	s = s.workspace.start()
	s.allow("[alert] ")
	s.dial(9000).wantAll("ok")
}

// TestWarnings: what is accepted but does nothing is told.
func TestWarnings(t *testing.T) {
	w := newWorkspace(t)
	w.write("nginx.conf", "load_module modules/x.so;\nworker_processes 2; pcre_jit on; timer_resolution 10ms; lock_file l;"+
		"thread_pool a threads=2; debug_points stop; worker_rlimit_core 1m; master_process on; worker_priority +1;"+
		"events { worker_connections 10; multi_accept on; use epoll; accept_mutex on; accept_mutex_delay 1s;"+
		" worker_aio_requests 1; debug_connection 127.0.0.1; }\nworker_cpu_affinity 01 10 11;\n"+
		"stream { proxy_upstream_buffer 1k; }")
	got := w.command("-t", "-p", w.dir, "-c", "nginx.conf", "-e", "error.log", "-g", "pid weir.pid;")
	for _, want := range []string{
		`"load_module" of "modules/x.so" is ignored: weir has no loadable modules in {dir}/nginx.conf:1`,
		`the number of "worker_processes" is not equal to the number of "worker_cpu_affinity" masks, ` +
			"using last mask for remaining worker processes in {dir}/nginx.conf:3",
		`the "proxy_upstream_buffer" directive is deprecated, use the "proxy_buffer_size" directive instead in {dir}/nginx.conf:4`,
	} {
		if got.code != 0 || !strings.Contains(got.stderr, "weir: [warn] "+w.expand(want)+"\n") {
			t.Errorf("exit code %d, stderr %q, want %q", got.code, got.stderr, want)
		}
	}
}
