package main

import (
	"fmt"
	"os"
	"runtime"
	"slices"
)

// row is what one workload gave: samples by kind of target.
type row struct {
	workload workload
	samples  map[string][]sample
}

// median returns the median figure of a kind; ok is false when it was not run.
func (r row) median(kind string) (figure float64, ok bool) {
	var all []float64
	for _, s := range r.samples[kind] {
		all = append(all, s.Figure)
	}
	if len(all) == 0 {
		return 0, false
	}
	slices.Sort(all)
	mid := len(all) / 2
	if len(all)%2 == 1 {
		return all[mid], true
	}
	return (all[mid-1] + all[mid]) / 2, true
}

// runRounds lets the targets that can run w take turns.
func runRounds(w workload, targets []target, o options) (row, error) {
	r := row{w, map[string][]sample{}}
	for round := range o.rounds {
		for _, t := range targets {
			if !slices.Contains(w.kinds, t.kind) {
				continue
			}
			s, err := runOnce(w, t, o)
			if err != nil {
				return r, fmt.Errorf("%s: %w", t.kind, err)
			}
			r.samples[t.kind] = append(r.samples[t.kind], s)
			if o.verbose {
				printSample(w, t, round, s)
			}
		}
	}
	return r, nil
}

// runOnce starts t, takes one sample and stops it.
func runOnce(w workload, t target, o options) (sample, error) {
	runtime.GC()
	s, err := startServer(t, w)
	if err != nil {
		return sample{}, err
	}
	defer s.stop()
	l, err := newLoop()
	if err != nil {
		return sample{}, err
	}
	defer l.close()
	if w.backend != nil {
		if err := serveBackend(l, s.at.Back, w.backend); err != nil {
			return sample{}, err
		}
	}
	r := &run{loop: l, server: s, window: o.window}
	got, err := w.sample(r)
	if err != nil {
		return got, fmt.Errorf("%w\n%s", err, s.said())
	}
	return got, nil
}

func printSample(w workload, t target, round int, s sample) {
	fmt.Fprintf(os.Stderr, "%-14s round %d %-20s %8.2f %s (%d ops, server core: server %.0f%%, others %.0f%%; client core %.0f%%)\n",
		w.name, round+1, t.kind, s.Figure, w.unit, s.Ops, 100*s.Busy, 100*s.Foreign, 100*s.Client)
}
