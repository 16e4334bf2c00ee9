package resolver

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"time"

	"github.com/miekg/dns"
	"github.com/weirproxy/weir/internal/resolver/addr"
)

// errTruncated says that the answer did not fit a datagram.
var errTruncated = errors.New("truncated response")

// mostExchanges bounds how many questions a resolver has under way: each has a socket of its own, and how many are asked may
// be up to the clients.
const mostExchanges = 1000

// exchange asks one server one question and returns its answer, whatever its response code. It gives up after the
// resend time or with ctx.
func (r *Resolver) exchange(ctx context.Context, server addr.Addr, q dns.Question) (*dns.Msg, error) {
	query := &dns.Msg{Question: []dns.Question{q}}
	query.Id = dns.Id()
	query.RecursionDesired = true
	wire, err := query.Pack()
	if err != nil {
		return nil, fmt.Errorf("pack query: %w", err)
	}
	select {
	case r.exchanges <- struct{}{}:
		defer func() { <-r.exchanges }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	msg, err := r.over(ctx, "udp", server, wire, readDatagram)
	if errors.Is(err, errTruncated) {
		msg, err = r.over(ctx, "tcp", server, wire, readStream)
	}
	return msg, err
}

type reader func(conn net.Conn, buf []byte) (int, error)

// over sends the query and reads until an answer to it comes.
func (r *Resolver) over(ctx context.Context, network string, server addr.Addr, wire []byte, read reader) (*dns.Msg, error) {
	ctx, cancel := context.WithTimeout(ctx, r.config.Resend)
	defer cancel()
	conn, err := (&net.Dialer{}).DialContext(ctx, network, server.String())
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { conn.SetDeadline(time.Unix(1, 0)) })()

	out := wire
	if network == "tcp" {
		out = append(binary.BigEndian.AppendUint16(nil, uint16(len(wire))), wire...)
	}
	if _, err := conn.Write(out); err != nil {
		return nil, err
	}
	buf := make([]byte, maxMessage(network))
	for {
		n, err := read(conn, buf)
		if err != nil {
			return nil, err
		}
		msg, err := match(buf[:n], wire)
		if err != nil || msg != nil {
			return msg, err
		}
	}
}

// maxMessage is the size of the largest message: no larger datagram is asked for, and nginx has the same bound.
func maxMessage(network string) int {
	if network == "udp" {
		return 4096
	}
	return dns.MaxMsgSize
}

func readDatagram(conn net.Conn, buf []byte) (int, error) { return conn.Read(buf) }

func readStream(conn net.Conn, buf []byte) (int, error) {
	var size [2]byte
	if _, err := io.ReadFull(conn, size[:]); err != nil {
		return 0, err
	}
	return io.ReadFull(conn, buf[:binary.BigEndian.Uint16(size[:])])
}

// match reads a response to query. It is nil when the bytes are none, be they broken, late or forged: the true one may
// still come.
func match(response, query []byte) (*dns.Msg, error) {
	var asked, msg dns.Msg
	if asked.Unpack(query) != nil || len(response) < 12 || response[0] != query[0] || response[1] != query[1] {
		return nil, nil
	}
	// Of a truncated message not even the count of records is to be trusted; the answer over TCP is checked in full.
	flags := binary.BigEndian.Uint16(response[2:])
	if flags&0x8200 == 0x8200 {
		return nil, errTruncated
	}
	if msg.Unpack(response) != nil || !msg.Response || msg.Opcode != dns.OpcodeQuery || len(msg.Question) != 1 {
		return nil, nil
	}
	a, b := msg.Question[0], asked.Question[0]
	if a.Qtype != b.Qtype || a.Qclass != b.Qclass || !strings.EqualFold(a.Name, b.Name) {
		return nil, nil
	}
	return &msg, nil
}
