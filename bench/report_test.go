package main

import "testing"

// figures makes the samples of one kind.
func figures(all ...float64) (s []sample) {
	for _, f := range all {
		s = append(s, sample{Figure: f})
	}
	return s
}

func TestMedian(t *testing.T) {
	for _, c := range []struct {
		in   []sample
		want float64
		ok   bool
	}{
		{nil, 0, false},
		{figures(3), 3, true},
		{figures(9, 1, 4), 4, true},
		{figures(4, 1, 2, 9), 3, true},
	} {
		r := row{samples: map[string][]sample{"x": c.in}}
		if got, ok := r.median("x"); got != c.want || ok != c.ok {
			t.Errorf("median of %v = %v %v, want %v %v", c.in, got, ok, c.want, c.ok)
		}
	}
}

func TestGoal(t *testing.T) {
	peers := map[string][]sample{
		kindWeir: figures(0.3), kindNginx: figures(0.8), kindHAProxy: figures(0.7), kindSplice: figures(0.5),
	}
	for _, c := range []struct {
		goal    goal
		samples map[string][]sample
		want    string
	}{
		{goal{ratio: 0.6}, peers, "yes"},
		{goal{ratio: 0.5}, peers, "no"}, // of 0.5: the better variant of HAProxy counts
		{goal{absolute: 0.2}, peers, "no"},
		{goal{absolute: 0.3}, peers, "yes"},
		{goal{}, peers, "–"},
		{goal{ratio: 1}, map[string][]sample{kindWeir: figures(1)}, "–"},
		{goal{ratio: 1}, map[string][]sample{kindNginx: figures(1)}, "–"},
	} {
		r := row{workload{goal: c.goal}, c.samples}
		if got := r.met(); got != c.want {
			t.Errorf("goal %v met: %q, want %q", c.goal, got, c.want)
		}
	}
}

func TestVersionWords(t *testing.T) {
	for in, want := range map[string]string{
		"nginx version: nginx/1.22.1\n":                   "1.22.1",
		"nginx version: openresty/1.27.1.2\n":             "1.27.1.2",
		"HAProxy version 2.6.12-1+deb12u4 2026/10/17 - x": "2.6.12-1+deb12u4",
		"weir version: weir/0.1\nnginx version: nginx/1":  "0.1",
	} {
		m := versionWords.FindStringSubmatch(in)
		if m == nil || m[1] != want {
			t.Errorf("version in %q: %q, want %q", in, m, want)
		}
	}
}
