package main

import (
	"fmt"
	"io"
	"slices"
	"strings"
)

// peers in the order of the table's columns.
var peerKinds = []string{kindNginx, kindHAProxy, kindOpenResty}

// printReport prints the machine and the table as Markdown.
func printReport(w io.Writer, targets []target, rows []row, o options) {
	fmt.Fprintf(w, "%s\n\n", machine(targets))
	fmt.Fprintf(w, "Median of %d rounds of %v; the server on CPU %d, load and backend on CPU %d.\n\n",
		o.rounds, o.window, serverCore, clientCore)
	fmt.Fprintln(w, "| workload | unit | weir | nginx | HAProxy | OpenResty | weir/nginx | weir/HAProxy | weir/OpenResty | goal | met |")
	fmt.Fprintln(w, "|---|---|--:|--:|--:|--:|--:|--:|--:|---|---|")
	for _, r := range rows {
		fmt.Fprintf(w, "| %s |\n", strings.Join(r.cells(), " | "))
	}
	if others := foreignShare(rows); others > 0.05 {
		fmt.Fprintf(w, "\nThe machine was not quiet: other processes used %.0f %% of the server's core.\n", 100*others)
	}
}

func (r row) cells() []string {
	cells := []string{r.workload.title, r.workload.unit, r.figure(kindWeir)}
	for _, k := range peerKinds {
		cells = append(cells, r.figure(k))
	}
	for _, k := range peerKinds {
		cells = append(cells, r.ratio(k))
	}
	return append(cells, r.workload.goal.String(), r.met())
}

// figure is a kind's median as the table shows it.
func (r row) figure(kind string) string {
	v, ok := r.best(kind)
	if !ok {
		return "–"
	}
	if v < 2 {
		return fmt.Sprintf("%.2f", v)
	}
	return fmt.Sprintf("%.1f", v)
}

// best is median, with HAProxy in the better of its variants.
func (r row) best(kind string) (float64, bool) {
	v, ok := r.median(kind)
	if kind != kindHAProxy {
		return v, ok
	}
	if s, spliced := r.median(kindSplice); spliced && s < v {
		return s, true
	}
	return v, ok
}

func (r row) ratio(peer string) string {
	weir, ok := r.best(kindWeir)
	other, there := r.best(peer)
	if !ok || !there || other <= 0 {
		return "–"
	}
	return fmt.Sprintf("%.2f", weir/other)
}

// String is the goal as the table shows it.
func (g goal) String() string {
	switch {
	case g.ratio != 0:
		return fmt.Sprintf("%.2f of the better peer", g.ratio)
	case g.absolute != 0:
		return fmt.Sprintf("at most %g", g.absolute)
	}
	return "–"
}

// met tells whether weir reaches the goal: "yes", "no", or "–" where something to
// compare is missing.
func (r row) met() string {
	weir, ok := r.best(kindWeir)
	limit, known := r.limit()
	if !ok || !known {
		return "–"
	}
	if weir <= limit {
		return "yes"
	}
	return "no"
}

// limit is the goal in the workload's unit.
func (r row) limit() (float64, bool) {
	if r.workload.goal.absolute != 0 {
		return r.workload.goal.absolute, true
	}
	var peers []float64
	for _, k := range peerKinds {
		if v, ok := r.best(k); ok {
			peers = append(peers, v)
		}
	}
	if len(peers) == 0 || r.workload.goal.ratio == 0 {
		return 0, false
	}
	return slices.Min(peers) * r.workload.goal.ratio, true
}

// foreignShare is the mean share of the server core that went to other processes.
func foreignShare(rows []row) float64 {
	var sum, n float64
	for _, r := range rows {
		for _, samples := range r.samples {
			for _, s := range samples {
				sum += s.Foreign
				n++
			}
		}
	}
	return sum / max(n, 1)
}
