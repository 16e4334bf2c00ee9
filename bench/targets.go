package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
)

// Kinds of targets, as the table names them.
const (
	kindWeir      = "weir"
	kindNginx     = "nginx"
	kindHAProxy   = "HAProxy"
	kindSplice    = "HAProxy splice-auto"
	kindOpenResty = "OpenResty"
)

// target is a server that can be started.
type target struct {
	kind    string
	binary  string
	version string
	main    string // directives at the top of its nginx configuration
}

// findTargets returns the servers that are there, and a line for each that is not.
func findTargets(weir string) (found []target, missing []string) {
	add := func(kind, binary, hint string, prepare func(*target)) {
		path, err := exec.LookPath(binary)
		if err != nil {
			missing = append(missing, fmt.Sprintf("%s is left out: %s", kind, hint))
			return
		}
		path, _ = filepath.Abs(path)
		t := target{kind: kind, binary: path, version: version(path)}
		prepare(&t)
		found = append(found, t)
	}
	plain := func(*target) {}
	add(kindWeir, weir, fmt.Sprintf("no binary at %s (-weir path)", weir), plain)
	add(kindNginx, "nginx", "not installed (apt-get install nginx-core libnginx-mod-stream)", loadStreamModule)
	add(kindHAProxy, "haproxy", "not installed (apt-get install haproxy)", plain)
	add(kindSplice, "haproxy", "not installed", plain)
	add(kindOpenResty, os.Getenv("OPENRESTY"), "set OPENRESTY=path of its nginx to compare", plain)
	return found, missing
}

// loadStreamModule loads the stream module where it is a shared object, as in Debian.
func loadStreamModule(t *target) {
	args := output(t.binary, "-V")
	if !strings.Contains(args, "--with-stream=dynamic") {
		return
	}
	dir := "/usr/lib/nginx/modules"
	if m := regexp.MustCompile(`--modules-path=(\S+)`).FindStringSubmatch(args); m != nil {
		dir = m[1]
	}
	t.main = fmt.Sprintf("load_module %s/ngx_stream_module.so;", dir)
}

var versionWords = regexp.MustCompile(`(?i)version:? (?:\w+/)?(\d\S*)`)

// version asks a server for its version: "1.22.1".
func version(binary string) string {
	for _, flag := range []string{"-v", "-V"} {
		if m := versionWords.FindStringSubmatch(output(binary, flag)); m != nil {
			return m[1]
		}
	}
	return "of unknown version"
}

func output(binary string, args ...string) string {
	out, _ := exec.Command(binary, args...).CombinedOutput()
	return string(out)
}
