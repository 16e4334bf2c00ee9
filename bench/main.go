package main

import (
	"flag"
	"fmt"
	"os"
	"regexp"
	"time"
)

// options are the command line.
type options struct {
	weir    string
	only    *regexp.Regexp
	rounds  int
	window  time.Duration
	json    string
	verbose bool
	receive string
}

func main() {
	opts, err := parseFlags()
	switch {
	case err != nil:
	case opts.receive != "":
		err = receive(opts.receive)
	default:
		err = bench(opts)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func parseFlags() (options, error) {
	var o options
	flag.StringVar(&o.weir, "weir", "./weir", "the weir `binary`")
	only := flag.String("only", "", "run the workloads whose name matches this `regexp`")
	flag.IntVar(&o.rounds, "rounds", 5, "rounds per workload and server")
	seconds := flag.Float64("seconds", 1, "length of a measured window")
	flag.StringVar(&o.json, "json", "", "also write every sample to this `file`")
	flag.BoolVar(&o.verbose, "v", false, "print every sample as it is taken")
	flag.StringVar(&o.receive, "receive", "", "take over connections at this unix `socket` and echo: what workloads start")
	flag.Parse()

	if o.rounds < 1 || *seconds <= 0 {
		return o, fmt.Errorf("-rounds and -seconds must be positive")
	}
	o.window = time.Duration(*seconds * float64(time.Second))
	var err error
	if o.only, err = regexp.Compile(*only); err != nil {
		return o, fmt.Errorf("-only: %w", err)
	}
	return o, nil
}

func bench(o options) error {
	if ran, err := enterNamespace(); ran || err != nil {
		return err
	}
	if err := takeClientCore(); err != nil {
		return err
	}
	targets, missing := findTargets(o.weir)
	for _, line := range missing {
		fmt.Fprintln(os.Stderr, line)
	}

	var rows []row
	for _, w := range workloads {
		if !o.only.MatchString(w.name) {
			continue
		}
		fmt.Fprintf(os.Stderr, "%s …\n", w.title)
		r, err := runRounds(w, targets, o)
		if err != nil {
			return fmt.Errorf("%s: %w", w.name, err)
		}
		rows = append(rows, r)
	}

	printReport(os.Stdout, targets, rows, o)
	if o.json == "" {
		return nil
	}
	return writeJSON(o.json, targets, rows)
}
