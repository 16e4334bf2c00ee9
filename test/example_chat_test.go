package test

import (
	"fmt"
	"testing"
)

func TestExampleChat(t *testing.T) { eachServer(t, "chat", testChat) }

func testChat(t *testing.T, s *server) {
	ann := enter(s, 7002, "ann")
	bob := enter(s, 7002, "bob", ann)
	eve := enter(s, 7002, "eve", ann, bob)

	bob.send("hello\r\n")
	ann.want("bob: hello\n")
	eve.want("bob: hello\n")
	ann.send("hello yourself\n") // bob has not read his own line: the next he reads is this one
	bob.want("ann: hello yourself\n")
	eve.want("ann: hello yourself\n")

	for i := range 200 {
		eve.send(fmt.Sprintf("line %d\n", i))
	}
	for i := range 200 {
		bob.want(fmt.Sprintf("eve: line %d\n", i))
		ann.want(fmt.Sprintf("eve: line %d\n", i))
	}

	eve.Close()
	ann.want("* eve has left\n")
	bob.want("* eve has left\n")
	bob.closeWrite()
	bob.wantAll("")
	ann.want("* bob has left\n")
}

// enter joins the chat, which the others present are told.
func enter(s *server, port int, name string, others ...*client) *client {
	s.t.Helper()
	c := s.dial(port)
	c.want("Who are you? ")
	c.send(name + "\n")
	for _, other := range others {
		other.want("* " + name + " is here\n")
	}
	return c
}

// A client who does not read holds up nobody, and does not make the server grow without bound.
func TestExampleChatSlowReader(t *testing.T) {
	s := startExample(t, binary, "chat", nil)
	ann := enter(s, 7002, "ann")
	slow := enter(s, 7002, "slow", ann)
	bob := enter(s, 7002, "bob", ann)
	for i := range 20_000 {
		ann.send(fmt.Sprintf("%d %01000d\n", i, 0))
		bob.want(fmt.Sprintf("ann: %d %01000d\n", i, 0))
	}
	slow.Close()
	ann.want("* slow has left\n")
}
