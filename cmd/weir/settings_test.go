package main

import (
	"maps"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/weirproxy/weir/internal/conf"
)

func TestPaths(t *testing.T) {
	for _, test := range []struct {
		prefix, conf     string
		wantConf, folder string
		full, beside     string // of "x"
	}{
		{"/usr/local/weir/", "conf/nginx.conf", "/usr/local/weir/conf/nginx.conf", "/usr/local/weir/conf/", "/usr/local/weir/x", "/usr/local/weir/conf/x"},
		{"/a", "b.conf", "/a/b.conf", "/a/", "/a/x", "/a/x"},
		{"/a", "/b/c", "/b/c", "/b/", "/a/x", "/b/x"},
	} {
		p, err := newPaths(&options{prefix: test.prefix, conf: test.conf})
		if err != nil || p.conf != test.wantConf || p.folder != test.folder || p.full("x") != test.full || p.beside("x") != test.beside {
			t.Errorf("%s %s: %+v %s %s, %v", test.prefix, test.conf, p, p.full("x"), p.beside("x"), err)
		}
	}
}

func TestWantedEnviron(t *testing.T) {
	original := []string{"HOME=/root", "TZ=UTC", "A=1"}
	for _, test := range []struct {
		directives []string
		want       map[string]string
	}{
		{nil, map[string]string{"TZ": "UTC"}},
		{[]string{"HOME", "NONE"}, map[string]string{"TZ": "UTC", "HOME": "/root"}},
		{[]string{"A=2=3", "B="}, map[string]string{"TZ": "UTC", "A": "2=3", "B": ""}},
		{[]string{"TZ=Asia/Tokyo"}, map[string]string{"TZ": "Asia/Tokyo"}},
	} {
		if got := wantedEnviron(original, test.directives); !maps.Equal(got, test.want) {
			t.Errorf("%v: %v, want %v", test.directives, got, test.want)
		}
	}
}

func TestAffinity(t *testing.T) {
	for _, test := range []struct {
		line   string
		worker int
		want   []int // CPUs
	}{
		{"worker_cpu_affinity 0001 0010 1100;", 0, []int{0}},
		{"worker_cpu_affinity 0001 0010 1100;", 2, []int{2, 3}},
		{"worker_cpu_affinity 0001 0010;", 5, []int{1}},
		{"worker_cpu_affinity auto 1010;", 0, []int{1}},
		{"worker_cpu_affinity auto 1010;", 1, []int{3}},
		{"worker_cpu_affinity auto 1010;", 2, []int{1}},
		{"worker_cpu_affinity auto 0000;", 0, []int{7}},
	} {
		c := &settings{}
		if err := setAffinity(c, conf.ParseString("", test.line).Nodes[0]); err != nil {
			t.Fatal(err)
		}
		var usual unix.CPUSet
		usual.Set(7)
		mask := c.affinity.of(test.worker, usual)
		if mask.Count() != len(test.want) {
			t.Errorf("%s: worker %d has %v", test.line, test.worker, mask)
		}
		for _, cpu := range test.want {
			if !mask.IsSet(cpu) {
				t.Errorf("%s: worker %d is not on CPU %d", test.line, test.worker, cpu)
			}
		}
	}
}
