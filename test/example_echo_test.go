package test

import (
	"strings"
	"testing"
)

func TestExampleEcho(t *testing.T) { eachServer(t, "echo", testEcho) }

func testEcho(t *testing.T, s *server) {
	a, b := s.dial(7001), s.dial(7001)
	a.send("one\n")
	a.want("one\n")
	b.send("with a carriage return\r\n")
	b.want("with a carriage return\n")
	a.send("three\nlines\nat once\n")
	a.want("three\nlines\nat once\n")
	a.send("in pi")
	b.send("\n")
	b.want("\n")
	a.send("eces\n")
	a.want("in pieces\n")

	long := strings.Repeat("long ", 100_000) + "\n"
	go a.Write([]byte(long))
	a.want(long)

	b.send("last\n")
	b.closeWrite()
	b.wantAll("last\n")
}
