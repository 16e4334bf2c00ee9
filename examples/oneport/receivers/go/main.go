// Command go takes connections that weir hands over, greets each client by its address, and echoes what it sends.
//
//	go run ./examples/oneport/receivers/go /run/app.sock      weir: handoff unix:/run/app.sock;
package main

import (
	"fmt"
	"io"
	"log"
	"os"

	"github.com/weirproxy/weir/handoff"
)

func main() {
	if len(os.Args) != 2 {
		log.Fatal("usage: go SOCKET")
	}
	l, err := handoff.Listen(os.Args[1])
	if err != nil {
		log.Fatal(err)
	}
	for {
		conn, err := l.AcceptHandoff()
		if err != nil {
			log.Fatal(err)
		}
		go serve(conn)
	}
}

func serve(conn *handoff.Conn) {
	defer conn.Close()
	protocol := conn.Protocol
	if protocol == "" {
		protocol = "-"
	}
	fmt.Fprintf(conn, "go %s %s\n", conn.RemoteAddr(), protocol)
	io.Copy(conn, conn)
}
