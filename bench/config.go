package main

import (
	"embed"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"text/template"
)

//go:embed conf
var configFiles embed.FS

var configs = template.Must(template.ParseFS(configFiles, "conf/*"))

// endpoints are where one server listens and finds its backend. Each start of a
// server gets a loopback address of its own, so that ports that linger in TIME_WAIT
// after one round, or one bench, are not in the way of the next.
type endpoints struct {
	Front, Second, Back netip.AddrPort
}

var startsSoFar = os.Getpid() * 64

func newEndpoints() endpoints {
	startsSoFar++
	ip := netip.AddrFrom4([4]byte{127, 77, byte(startsSoFar >> 8), byte(startsSoFar)})
	return endpoints{
		Front:  netip.AddrPortFrom(ip, 17001),
		Second: netip.AddrPortFrom(ip, 17002),
		Back:   netip.AddrPortFrom(ip, 17003),
	}
}

// writeConfig writes w's configuration for t into dir, and returns the arguments
// that make t serve it in the foreground.
func writeConfig(dir string, w workload, t target, at endpoints) ([]string, error) {
	syntax, file := "nginx", "nginx.conf"
	args := []string{"-p", dir + "/", "-c", file, "-e", "error.log"}
	if t.kind == kindHAProxy || t.kind == kindSplice {
		syntax, file = "haproxy", "haproxy.cfg"
		args = []string{"-db", "-f", filepath.Join(dir, file)}
	}

	f, err := os.Create(filepath.Join(dir, file))
	if err != nil {
		return nil, err
	}
	defer f.Close()
	err = configs.ExecuteTemplate(f, w.conf+"."+syntax, struct {
		endpoints
		Main           string
		Splice         bool
		Workers, Calls int
	}{at, t.main, t.kind == kindSplice, w.workers, w.calls})
	if err != nil {
		return nil, fmt.Errorf("configuration of %s: %w", t.kind, err)
	}
	return args, nil
}
