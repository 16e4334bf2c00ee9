package main

import (
	"os"
	"syscall"
	"testing"
)

// However many signals come while one is carried out, each kind is carried out afterwards, in the order in which they came.
func TestSignalsAreFolded(t *testing.T) {
	caught, to := make(chan os.Signal), make(chan os.Signal)
	go fold(caught, to)
	for range 100 {
		caught <- syscall.SIGHUP
	}
	caught <- syscall.SIGUSR1
	caught <- syscall.SIGHUP
	caught <- syscall.SIGQUIT
	for _, want := range []os.Signal{syscall.SIGHUP, syscall.SIGUSR1, syscall.SIGQUIT} {
		if got := <-to; got != want {
			t.Errorf("%v, want %v", got, want)
		}
	}
	select {
	case s := <-to:
		t.Errorf("%v is left", s)
	default:
	}
}
