package test

import (
	"os"
	"strconv"
	"strings"
	"testing"
)

func TestCommandLine(t *testing.T) {
	const good = "pid weir.pid; stream { server { listen {host}:9000; return ok; } }"
	for _, test := range []struct {
		name string
		args []string
		code int
		want string // in stderr
	}{
		{"version", []string{"-v"}, 0, "nginx version: nginx/1.31.3"},
		{"own name first", []string{"-v"}, 0, "weir version: weir/"},
		{"build", []string{"-V"}, 0, "configure arguments: --with-stream --without-http "},
		{"help", []string{"-h"}, 0, "Usage: weir [-?hvVtTq]"},
		{"help, the other way", []string{"-?"}, 0, "  -s signal "},
		{"unknown", []string{"-x"}, 1, "weir: invalid option: \"x\"\n"},
		{"not an option", []string{"run"}, 1, "weir: invalid option: \"run\"\n"},
		{"no value", []string{"-t", "-c"}, 1, "weir: option \"-c\" requires file name\n"},
		{"no prefix", []string{"-p"}, 1, "weir: option \"-p\" requires directory name\n"},
		{"unknown signal", []string{"-s", "kill"}, 1, "weir: invalid option: \"-s kill\"\n"},
		{"test", []string{"-t", "-p", "{dir}", "-c", "nginx.conf", "-e", "stderr"}, 0,
			"weir: the configuration file {dir}/nginx.conf syntax is ok\nweir: configuration file {dir}/nginx.conf test is successful\n"},
		{"combined", []string{"-tp{dir}", "-cnginx.conf", "-estderr"}, 0, "test is successful\n"},
		{"quiet", []string{"-tqp", "{dir}", "-c", "nginx.conf", "-e", "stderr"}, 0, ""},
		{"no file", []string{"-t", "-p", "{dir}", "-c", "none.conf", "-e", "stderr"}, 1,
			"[emerg] 0#0: open() \"{dir}/none.conf\" failed (2: No such file or directory)"},
		{"directives", []string{"-tp{dir}", "-cnginx.conf", "-estderr", "-g", "worker_processes no;"}, 1,
			"\"worker_processes\" directive invalid value in command line"},
		{"no log folder", []string{"-tp{dir}", "-cnginx.conf"}, 1,
			"weir: [alert] could not open error log file: open() \"{dir}/logs/error.log\" failed (2: No such file or directory)\n"},
		{"no folder for the pid file", []string{"-tp{dir}", "-cother.conf", "-estderr"}, 1,
			"[emerg] 0#0: open() \"{dir}/logs/weir.pid\" failed (2: No such file or directory)\n" +
				"weir: configuration file {dir}/other.conf test failed\n"},
		{"no pid file", []string{"-p{dir}", "-cnginx.conf", "-eerror.log", "-s", "reload"}, 1,
			"weir: [error] open() \"{dir}/weir.pid\" failed (2: No such file or directory)\n"},
	} {
		t.Run(test.name, func(t *testing.T) {
			w := newWorkspace(t)
			w.write("nginx.conf", good)
			w.write("other.conf", "events {}")
			for i := range test.args {
				test.args[i] = w.expand(test.args[i])
			}
			got := w.command(test.args...)
			want := strings.ReplaceAll(w.expand(test.want), "0#0: ", "")
			stderr := pidAndThread.ReplaceAllString(got.stderr, "")
			if got.code != test.code || !strings.Contains(stderr, want) || test.want == "" && stderr != "" {
				t.Errorf("exit code %d, want %d; stderr %q, want %q", got.code, test.code, stderr, want)
			}
		})
	}
}

func TestDump(t *testing.T) {
	w := newWorkspace(t)
	w.write("nginx.conf", "events {} pid weir.pid; include more/*.conf;\n")
	os.Mkdir(w.path("more"), 0o755)
	w.write("more/a.conf", "stream { }\n")
	got := w.command("-T", "-p", w.dir, "-c", "nginx.conf", "-e", "stderr")
	want := w.expand("# configuration file {dir}/nginx.conf:\nevents {} pid weir.pid; include more/*.conf;\n\n" +
		"# configuration file {dir}/more/a.conf:\nstream { }\n\n")
	if got.code != 0 || got.stdout != want {
		t.Errorf("exit code %d, stdout %q, want %q; stderr %q", got.code, got.stdout, want, got.stderr)
	}
}

// TestTestBindsNothing checks a configuration while its address is taken, by the very server that uses it.
func TestTestBindsNothing(t *testing.T) {
	s := start(t, "stream { server { listen {host}:9000; return ok; } }")
	got := s.command("-t", "-p", s.dir, "-c", "nginx.conf", "-e", "other.log", "-g", globals)
	if got.code != 0 {
		t.Errorf("exit code %d, stderr %q", got.code, got.stderr)
	}
	if pid := s.read("weir.pid"); pid != strconv.Itoa(s.pid)+"\n" {
		t.Errorf("the pid file says %q", pid)
	}
	s.dial(9000).wantAll("ok")
}

func TestSignalWords(t *testing.T) {
	s := start(t, "stream { server { listen {host}:9000; return ok; } }")
	tell := func(word string) {
		t.Helper()
		got := s.command("-p", s.dir, "-c", "nginx.conf", "-e", "error.log", "-g", globals, "-s", word)
		if got.code != 0 || got.stderr != "" {
			t.Fatalf("-s %s: exit code %d, stderr %q", word, got.code, got.stderr)
		}
	}
	tell("reload")
	s.waitLog("signal 1 \\(SIGHUP\\) received, reconfiguring")
	s.waitLog(reloaded)
	tell("reopen")
	s.waitLog("reopening logs")
	tell("quit")
	if code := s.waitExit(); code != 0 {
		t.Errorf("exit code %d", code)
	}
	if _, err := os.Stat(s.path("weir.pid")); err == nil {
		t.Error("the pid file is still there")
	}
	got := s.command("-p", s.dir, "-c", "nginx.conf", "-e", "error.log", "-g", globals, "-s", "stop")
	if got.code != 1 || !strings.Contains(got.stderr, "weir.pid\" failed (2: No such file or directory)") {
		t.Errorf("-s stop without a server: exit code %d, stderr %q", got.code, got.stderr)
	}
}

func TestStaleUnixSocketAndStop(t *testing.T) {
	w := newWorkspace(t)
	w.write("nginx.conf", "stream { server { listen unix:{dir}/sock; return ok; } }")
	s := w.start()
	dial(t, "unix", w.path("sock")).wantAll("ok")
	got := s.command("-p", s.dir, "-c", "nginx.conf", "-e", "error.log", "-g", globals, "-s", "stop")
	if got.code != 0 || s.waitExit() != 0 {
		t.Errorf("-s stop: %+v", got)
	}
	if _, err := os.Stat(w.path("sock")); err == nil {
		t.Error("the unix socket is still there")
	}
}
