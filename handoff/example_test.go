package handoff_test

import (
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"

	"github.com/weirproxy/weir/handoff"
)

// A receiver: what weir's `handoff unix:…/app.sock;` sends is served like any connection.
func ExampleListen() {
	dir, _ := os.MkdirTemp("", "handoff")
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "app.sock")

	l, err := handoff.Listen(path)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer l.Close()
	go give(path)

	conn, err := l.AcceptHandoff()
	if err != nil {
		fmt.Println(err)
		return
	}
	defer conn.Close()
	text, _ := io.ReadAll(conn)
	fmt.Printf("%s, tenant %s: %s\n", conn.Protocol, conn.Meta["tenant"], text)
	// Output: greeting, tenant blue: hello world
}

// A sender: it has read five bytes, and gives the connection away together with them.
func ExampleSend() {
	dir, _ := os.MkdirTemp("", "handoff")
	defer os.RemoveAll(dir)

	err := give(filepath.Join(dir, "nobody.sock"))
	fmt.Println(err != nil, "the connection is still ours")
	// Output: true the connection is still ours
}

func give(path string) error {
	conn := client()
	defer conn.Close() // this copy
	first := make([]byte, 5)
	if _, err := io.ReadFull(conn, first); err != nil {
		return err
	}
	return handoff.Send(path, conn, &handoff.Message{
		Consumed: first,
		Metadata: handoff.Metadata{Protocol: "greeting", Meta: map[string]string{"tenant": "blue"}},
	})
}

// client is the accepted connection of a client that says hello world and then no more.
func client() *net.TCPConn {
	l, _ := net.Listen("tcp", "127.0.0.1:0")
	defer l.Close()
	go func() {
		c, err := net.Dial("tcp", l.Addr().String())
		if err != nil {
			return
		}
		io.WriteString(c, "hello world")
		c.(*net.TCPConn).CloseWrite()
	}()
	c, _ := l.Accept()
	return c.(*net.TCPConn)
}
