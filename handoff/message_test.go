package handoff

import (
	"bytes"
	"net/netip"
	"reflect"
	"strings"
	"testing"
)

var messages = map[string]Message{
	"nothing": {},
	"ipv4":    {Source: netip.MustParseAddrPort("192.0.2.1:4711"), Destination: netip.MustParseAddrPort("198.51.100.2:443")},
	"ipv6":    {Source: netip.MustParseAddrPort("[2001:db8::1]:1"), Destination: netip.MustParseAddrPort("[2001:db8::2]:65535")},
	"mixed":   {Source: netip.MustParseAddrPort("192.0.2.1:4711"), Destination: netip.MustParseAddrPort("[2001:db8::2]:443")},
	"mapped":  {Source: netip.MustParseAddrPort("[::ffff:192.0.2.1]:1"), Destination: netip.MustParseAddrPort("[::ffff:192.0.2.2]:2")},
	"unix":    {DestinationPath: "/run/weir.sock"},
	"abstract": {SourcePath: "@client", DestinationPath: "@server",
		Consumed: []byte("GET / HTTP/1.1\r\n")},
	"all": {
		Source: netip.MustParseAddrPort("192.0.2.1:4711"), Destination: netip.MustParseAddrPort("198.51.100.2:443"),
		Metadata: Metadata{SNI: "example.com", ALPN: "h2,http/1.1", Protocol: "tls", UniqueID: "1-2-3",
			Meta: map[string]string{"tenant": "a=b", "empty": "", "binary": "\x00\xff"}},
		Consumed: []byte{0x16, 3, 1},
	},
	"most": {Metadata: Metadata{Meta: map[string]string{"x": strings.Repeat("y", 1<<16-1-3-2)}},
		Consumed: bytes.Repeat([]byte("z"), MaxConsumed)},
}

func TestMessage(t *testing.T) {
	for name, m := range messages {
		wire, err := m.Append([]byte("before"))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		var got Message
		if err := got.Parse(wire[len("before"):]); err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if len(got.Consumed) == 0 {
			got.Consumed = nil
		}
		if !reflect.DeepEqual(got, m) {
			t.Errorf("%s: %+v, want %+v", name, got, m)
		}
	}
}

func TestTooLarge(t *testing.T) {
	for name, m := range map[string]Message{
		"consumed":  {Consumed: make([]byte, MaxConsumed+1)},
		"sni":       {Metadata: Metadata{SNI: strings.Repeat("a", 1<<16)}},
		"unique id": {Metadata: Metadata{UniqueID: strings.Repeat("a", 129)}},
		"many":      {Metadata: Metadata{SNI: strings.Repeat("a", 40000), ALPN: strings.Repeat("a", 40000)}},
	} {
		if wire, err := m.Append([]byte("x")); err != ErrTooLarge || string(wire) != "x" {
			t.Errorf("%s: %d bytes, %v", name, len(wire), err)
		}
	}
}

func TestMalformed(t *testing.T) {
	whole, _ := new(Message).Append(nil)
	for name, data := range map[string]string{
		"empty":          "",
		"short":          string(whole[:15]),
		"signature":      "X" + string(whole[1:]),
		"version":        signature + "\x11\x00\x00\x00",
		"family":         signature + "\x21\x13\x00\x00",
		"no addresses":   signature + "\x21\x11\x00\x0b" + "12345678901",
		"length":         signature + "\x21\x00\x00\x01",
		"half a TLV":     signature + "\x21\x00\x00\x02\x01\x00",
		"TLV too long":   signature + "\x21\x00\x00\x04\x01\x00\x02x",
		"much too large": string(whole) + strings.Repeat("x", MaxConsumed+1),
	} {
		if err := new(Message).Parse([]byte(data)); err != ErrMessage {
			t.Errorf("%s: %v", name, err)
		}
	}
	local := Message{}
	if err := local.Parse([]byte(signature + "\x20\x11\x00\x0c" + "123456789012" + "abc")); err != nil || local.Source.IsValid() ||
		string(local.Consumed) != "abc" {
		t.Errorf("LOCAL: %v, %+v", err, local)
	}
}

func FuzzMessage(f *testing.F) {
	for _, m := range messages {
		wire, _ := m.Append(nil)
		f.Add(wire)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		var m, again Message
		if m.Parse(data) != nil {
			return
		}
		wire, err := m.Append(nil)
		if err == ErrTooLarge { // a unique id that is longer than it may be
			return
		}
		if err := again.Parse(wire); err != nil {
			t.Fatalf("%+v cannot be read again: %v", m, err)
		}
		if !bytes.Equal(m.Consumed, again.Consumed) || !reflect.DeepEqual(m.Metadata, again.Metadata) || m.Source != again.Source {
			t.Fatalf("%+v became %+v", m, again)
		}
	})
}
