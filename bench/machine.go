package main

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"

	"golang.org/x/sys/unix"
)

// machine describes the kernel, the processor and the servers in one line.
func machine(targets []target) string {
	var u unix.Utsname
	unix.Uname(&u)
	cpuinfo, _ := os.ReadFile("/proc/cpuinfo")
	model := strings.TrimSpace(strings.TrimPrefix(line(cpuinfo, "model name"), ":"))
	parts := []string{fmt.Sprintf("Linux %s, %s", unix.ByteSliceToString(u.Release[:]), model)}
	for _, t := range targets {
		if t.kind != kindSplice {
			parts = append(parts, t.kind+" "+t.version)
		}
	}
	return strings.Join(parts, "; ") + "."
}

// line returns what follows key in the first line of b that begins with it.
func line(b []byte, key string) string {
	for s := range strings.Lines(string(b)) {
		if rest, ok := strings.CutPrefix(s, key); ok {
			return strings.TrimSpace(rest)
		}
	}
	return ""
}

// writeJSON writes every sample to a file.
func writeJSON(name string, targets []target, rows []row) error {
	type workloadResult struct {
		Unit    string              `json:"unit"`
		Medians map[string]float64  `json:"medians"`
		Samples map[string][]sample `json:"samples"`
	}
	out := struct {
		Machine   string                    `json:"machine"`
		Workloads map[string]workloadResult `json:"workloads"`
	}{machine(targets), map[string]workloadResult{}}
	for _, r := range rows {
		medians := map[string]float64{}
		for kind := range r.samples {
			medians[kind], _ = r.median(kind)
		}
		out.Workloads[r.workload.name] = workloadResult{r.workload.unit, medians, r.samples}
	}
	b, err := json.MarshalIndent(out, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(name, append(b, '\n'), 0o644)
}
