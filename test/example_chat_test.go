package test

import (
	"fmt"
	"strings"
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

// A client who does not read holds up nobody, and loses what does not fit; later lines reach it again.
func TestExampleChatSlowReader(t *testing.T) {
	s := startExample(t, binary, "chat", nil)
	ann := enter(s, 7002, "ann")
	slow := enter(s, 7002, "slow", ann)
	bob := enter(s, 7002, "bob", ann)
	slow.want("* bob is here\n")

	const lines = 20_000 // far more than sockets hold
	text := strings.Repeat("x", 1000) + "\n"
	for range lines {
		ann.send(text)
		bob.want("ann: " + text)
	}

	received := make(chan int)
	go func() {
		n := 0
		for line := ""; line != "ann: end\n"; n++ {
			var err error
			if line, err = slow.r.ReadString('\n'); err != nil {
				t.Errorf("slow: %v", err)
				break
			}
		}
		received <- n
	}()
	eventually(t, "a line to reach the slow client", func() bool {
		ann.send("end\n")
		bob.want("ann: end\n")
		select {
		case n := <-received:
			if n < 1000 || n >= lines {
				t.Errorf("slow has received %d lines of %d", n, lines)
			}
			return true
		default:
			return false
		}
	})
}

// Who is in the room stays in it when the configuration changes; who comes afterwards finds a new one.
func TestExampleChatReload(t *testing.T) {
	s := startExample(t, binary, "chat", nil)
	ann := enter(s, 7002, "ann")
	bob := enter(s, 7002, "bob", ann)
	s.reload(s.read("nginx.conf"))
	eve := enter(s, 7002, "eve")
	kim := enter(s, 7002, "kim", eve)
	ann.send("who is here?\n")
	bob.want("ann: who is here?\n")
	kim.send("hello\n")
	eve.want("kim: hello\n")
}
