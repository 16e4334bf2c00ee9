package main

import (
	"bytes"
	"crypto/tls"
	"fmt"
	"net"
	"net/netip"
	"time"

	"golang.org/x/sys/unix"
)

// detectWorkload is what preread_protocol adds to a new proxied connection of a TLS client: the same process has the
// same server with it and without, which are loaded in turns.
var detectWorkload = workload{
	name:    "detect",
	title:   "preread_protocol: a TLS client",
	unit:    "µs",
	conf:    "detect",
	kinds:   []string{kindWeir},
	goal:    goal{absolute: 2},
	backend: serveEcho,
	sample: func(r *run) (sample, error) {
		hello, err := clientHello()
		if err != nil {
			return sample{}, err
		}
		return r.addedCost(func(addr netip.AddrPort) (sample, error) { return r.helloCost(addr, hello) })
	},
}

// clientHello is the first flight of Go's TLS client.
func clientHello() ([]byte, error) {
	client, server := net.Pipe()
	defer server.Close()
	go func() {
		defer client.Close()
		tls.Client(client, &tls.Config{ServerName: "www.example.com", NextProtos: []string{"h2", "http/1.1"}}).Handshake()
	}()
	buf := make([]byte, 4096)
	server.SetReadDeadline(time.Now().Add(5 * time.Second))
	n, err := server.Read(buf)
	return buf[:n], err
}

// helloCost measures new connections to addr that begin with hello, for a fifth of a window.
func (r *run) helloCost(addr netip.AddrPort, hello []byte) (sample, error) {
	g := &helloers{loop: r.loop, addr: addr, hello: hello, opening: true}
	for range 64 {
		g.open()
	}
	if err := r.warmUp(r.window/16, &g.ops); err != nil {
		return sample{}, err
	}
	s, err := r.cpuPerOpIn(r.window/5, &g.ops)
	if err != nil {
		return s, err
	}
	g.opening = false
	return s, r.loop.run(10*time.Second, func() bool { return g.waiting == 0 })
}

// helloers open a connection, send the hello, wait until it is back, close, and begin again.
type helloers struct {
	loop    *loop
	addr    netip.AddrPort
	hello   []byte
	ops     int64
	waiting int
	opening bool
}

func (g *helloers) open() {
	fd, err := dial(g.addr)
	if err != nil {
		g.loop.fail(fmt.Errorf("connect: %w", err))
		return
	}
	g.waiting++
	g.loop.add(fd, &helloer{group: g, fd: fd})
	if n, err := send(fd, g.hello); n != len(g.hello) {
		g.loop.fail(fmt.Errorf("client sent %d of %d bytes: %v", n, len(g.hello), err))
	}
}

type helloer struct {
	group *helloers
	fd    int
	got   int
}

func (h *helloer) ready(ev uint32) {
	if ev&(unix.EPOLLIN|unix.EPOLLRDHUP) == 0 {
		return
	}
	g := h.group
	n, err := recv(h.fd, g.loop.buf[:4096], 0)
	if err == unix.EAGAIN {
		return
	}
	if n <= 0 || !bytes.HasPrefix(g.hello[h.got:], g.loop.buf[:n]) {
		g.loop.fail(fmt.Errorf("a connection got %d bytes back that are not its own: %v", n, err))
		return
	}
	if h.got += n; h.got < len(g.hello) {
		return
	}
	g.loop.remove(h.fd)
	g.ops++
	g.waiting--
	if g.opening {
		g.open()
	}
}
