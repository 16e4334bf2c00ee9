package test

import "testing"

// TestReturn is the least that a server does.
func TestReturn(t *testing.T) {
	s := start(t, `stream { server { listen {host}:9000; return "hello, $remote_addr\n"; } }`)
	if got, want := s.dial(9000).all(), "hello, 127.0.0.1\n"; got != want {
		t.Errorf("received %q, want %q", got, want)
	}
}
