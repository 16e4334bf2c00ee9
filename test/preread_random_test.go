package test

import (
	"io"
	"math/rand/v2"
	"net"
	"strings"
	"sync"
	"testing"
	"time"
)

// randomSessions is how many clients TestPrereadRandom has; the detectors themselves go through a million flights.
const randomSessions = 1600

// TestPrereadRandom has clients send noise and damaged first flights in pieces. Whatever they are taken for, all their
// bytes arrive, and no session is left behind.
func TestPrereadRandom(t *testing.T) {
	s := start(t, `worker_processes 2; stream {
		map $preread_protocol:$ssl_preread_server_name:$preread_http_host $peer { ~^unknown `+echoBackend(t)+`; default `+echoBackend(t)+`; }
		server { listen {host}:9000; preread_protocol on; preread_protocol_timeout 20ms; preread_timeout 50ms; proxy_pass $peer; }
	}`)
	before := s.descriptors()
	flights := firstFlights(t)
	var wg sync.WaitGroup
	for client := range 16 {
		wg.Go(func() {
			random := rand.New(rand.NewPCG(uint64(client), 1))
			for range randomSessions / 16 {
				sendPieces(t, s, random, damaged(random, flights))
			}
		})
	}
	wg.Wait()
	eventually(t, "all sessions to end", func() bool { return s.descriptors() <= before })
}

// damaged is noise, or a real first flight with some bytes changed or its end cut off.
func damaged(random *rand.Rand, flights []firstFlight) []byte {
	if random.IntN(4) == 0 {
		noise := make([]byte, 1+random.IntN(100))
		for i := range noise {
			noise[i] = byte(random.Uint32())
		}
		return noise
	}
	flight := []byte(flights[random.IntN(len(flights))].bytes)
	for range random.IntN(4) {
		flight[random.IntN(min(len(flight), 64))] = byte(random.Uint32())
	}
	return flight[:1+random.IntN(len(flight))]
}

// sendPieces sends a flight in up to three pieces and expects it back. Only a client that is known to speak TLS or HTTP and
// does not finish its hello or head may be sent away instead.
func sendPieces(t *testing.T, s *server, random *rand.Rand, flight []byte) {
	conn, err := net.Dial("tcp", s.addr(9000))
	if err != nil {
		t.Error(err)
		return
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(deadline))
	for rest := flight; len(rest) > 0; {
		n := 1 + random.IntN(len(rest))
		if _, err := conn.Write(rest[:n]); err != nil {
			break // sent away
		}
		rest = rest[n:]
	}
	got := make([]byte, len(flight))
	n, err := io.ReadFull(conn, got)
	switch {
	case err == nil && string(got) == string(flight):
	case n == 0 && mayBeUnfinished(flight):
	default:
		t.Errorf("%q: received %q, %v", flight, got[:n], err)
	}
}

func mayBeUnfinished(flight []byte) bool {
	return flight[0] == 0x16 || strings.Contains(string(flight), " HTTP/1.")
}
