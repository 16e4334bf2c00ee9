package clienthello

import (
	"encoding/hex"
	"strings"
	"testing"
)

// random is what the handcrafted hellos have for random: 32 bytes.
var random = strings.Repeat("52", 32)

// record makes a record of a hello's body in hexadecimal.
func record(body string) string {
	body = "01" + number(len(body)/2, 3) + body
	return "160301" + number(len(body)/2, 2) + body
}

func number(n, size int) string {
	b := []byte{byte(n >> 16), byte(n >> 8), byte(n)}
	return hex.EncodeToString(b[3-size:])
}

// hello is a body with extensions.
func hello(extensions string) string {
	return "0303" + random + "00" + "0002c02f" + "0100" + number(len(extensions)/2, 2) + extensions
}

func extension(kind, body string) string { return kind + number(len(body)/2, 2) + body }

// name makes the body of server_name.
func name(kind, host string) string {
	text := hex.EncodeToString([]byte(host))
	return number(len(host)+3, 2) + kind + number(len(host), 2) + text
}

func TestParse(t *testing.T) {
	noExtensions := "0303" + random + "00" + "0002c02f" + "0100"
	for _, tc := range []struct {
		title, first string
		more         int
		err          error
		server       string
		version      uint16
	}{
		{title: "nothing", more: 5},
		{title: "one byte", first: "16", more: 4},
		{title: "header", first: "1603010100", more: 256},
		{title: "text", first: hex.EncodeToString([]byte("G")), err: ErrNotHello},
		{title: "SSL 2", first: "802e010301", version: TLS10},
		{title: "SSL 2 itself", first: "802e010002", version: SSL2},
		{title: "high bit but not SSL 2", first: "802e020002", err: ErrNotHello},
		{title: "major version 2", first: "1602010001", err: ErrNotHello},
		{title: "alert", first: "15030100020228", err: ErrNotHello},
		{title: "server hello", first: "160301000102", err: ErrNotHello},
		{title: "no extensions", first: record(noExtensions), version: TLS12},
		{title: "empty records before", first: "1603010000" + "1603010000" + record(noExtensions), version: TLS12},
		{title: "no server name", first: record(hello(extension("0017", ""))), version: TLS12},
		{title: "server name", first: record(hello(extension("0000", name("00", "a.example")))), server: "a.example", version: TLS12},
		{title: "empty server name", first: record(hello(extension("0000", name("00", "")))), version: TLS12},
		{title: "the first server name counts", first: record(hello(extension("0000", name("00", "a")) + extension("0000", name("00", "b")))),
			server: "a", version: TLS12},
		{title: "the second is not even read", first: record(hello(extension("0000", name("00", "a")) + extension("0000", "ff"))),
			server: "a", version: TLS12},
		{title: "name of another kind", first: record(hello(extension("0000", name("01", "a")))), err: ErrMalformed},
		{title: "name longer than its list", first: record(hello(extension("0000", "0004"+"00"+"0002"+"6161"))), err: ErrMalformed},
		{title: "list longer than the message", first: record(hello(extension("0000", "0009"+"00"+"0002"+"6161"))), err: ErrMalformed},
		{title: "empty ALPN", first: record(hello(extension("0010", "0000"))), err: ErrMalformed},
		{title: "empty protocol", first: record(hello(extension("0010", "000100"))), err: ErrMalformed},
		{title: "protocol longer than its list", first: record(hello(extension("0010", "0002"+"0261"))), err: ErrMalformed},
		{title: "protocol of 255 bytes", first: record(hello(extension("0010", "0100"+"ff"+strings.Repeat("61", 255)))), version: TLS12},
		{title: "supported versions", first: record(hello(extension("002b", "04"+"0a0a"+"0304"))), version: TLS13},
		{title: "versions' own length counts", first: record("0303" + random + "00" + "0002c02f" + "0100" + "0007" + "002b0007" + "020304"),
			version: TLS13},
		{title: "extension longer than the message", first: record("0303" + random + "00" + "0002c02f" + "0100" + "0004" + "00170001"),
			err: ErrMalformed},
		{title: "half an extension header", first: record("0303" + random + "00" + "0002c02f" + "0100" + "0002" + "0017"),
			err: ErrMalformed},
		{title: "session longer than the message", first: record("0303" + random + "ff"), err: ErrMalformed},
		{title: "contradiction before the end", first: "1603010040" + "010000ff" + "0303" + random + "00" + "ffff" + strings.Repeat("00", 23),
			err: ErrMalformed},
		{title: "second record is another's", first: "160301000401000020" + "1703010001", err: ErrNotHello},
	} {
		var h Hello
		first := unhex(t, tc.first)
		more, err := h.Parse(first)
		if more != tc.more || err != tc.err {
			t.Errorf("%s: %d, %v, want %d, %v", tc.title, more, err, tc.more, tc.err)
			continue
		}
		h.AppendJA4(nil)
		for range h.Protocols() {
		}
		if err == nil && more == 0 && (string(h.ServerName) != tc.server || h.Highest() != tc.version) {
			t.Errorf("%s: %q, %x, want %q, %x", tc.title, h.ServerName, h.Highest(), tc.server, tc.version)
		}
	}
}

// FuzzParse compares what is said of some bytes with what was said of their beginnings.
func FuzzParse(f *testing.F) {
	for _, tc := range clients {
		f.Add(captured(f, tc.name))
		f.Add(inRecords(captured(f, tc.name), 100))
	}
	f.Add(unhex(f, "802e010301"))
	f.Fuzz(func(t *testing.T, first []byte) {
		if len(first) > 4096 {
			first = first[:4096]
		}
		checkMonotone(t, first)
	})
}

func checkMonotone(t *testing.T, first []byte) {
	t.Helper()
	var all, h Hello
	more, err := all.Parse(first)
	if more < 0 || more > 0 && err != nil {
		t.Fatalf("%x: %d and %v", first, more, err)
	}
	all.AppendJA4(nil)
	for range all.Protocols() {
	}
	var whole Hello
	all.CopyTo(&whole)
	for n := 0; n < len(first); n += 1 + n/16 {
		m, e := h.Parse(first[:n])
		switch {
		case m > 0 && more == 0 && err == nil && n+m > len(first):
			t.Fatalf("%x: %d bytes need %d more", first, n, m)
		case m > 0:
			continue
		case (e == nil) != (err == nil), more != 0:
			t.Fatalf("%x: %v after %d bytes, then %d, %v", first, e, n, more, err)
		case e == nil && (string(h.ServerName) != string(whole.ServerName) || h.Highest() != whole.Highest()):
			t.Fatalf("%x: another hello after %d bytes", first, n)
		}
	}
}
