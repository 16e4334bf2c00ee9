//go:build profile

package main

import (
	"os"
	"path/filepath"
	"runtime"
	"runtime/pprof"
	"strconv"
	"time"
)

// Built with the tag profile, a weir that runs for six seconds leaves a CPU profile of five of them in the directory that
// WEIR_PROFILES names. `make profile` makes default.pgo of such.
func init() {
	if dir := os.Getenv("WEIR_PROFILES"); dir != "" {
		go profile(filepath.Join(dir, strconv.Itoa(os.Getpid())+".prof"))
	}
}

func profile(path string) {
	f, err := os.Create(path)
	if err != nil {
		complain(err.Error())
		return
	}
	defer f.Close()
	time.Sleep(500 * time.Millisecond) // past the start
	runtime.SetCPUProfileRate(1000)    // StartCPUProfile complains of it and goes on
	if err := pprof.StartCPUProfile(f); err != nil {
		complain(err.Error())
		return
	}
	time.Sleep(5 * time.Second)
	pprof.StopCPUProfile()
}
