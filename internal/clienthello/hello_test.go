package clienthello

import (
	"bytes"
	"encoding/hex"
	"slices"
	"strings"
	"testing"

	"github.com/weirproxy/weir/internal/detect/flights"
)

// captured is a hello that a real client has sent (see testdata/README.md).
func captured(t testing.TB, name string) []byte {
	t.Helper()
	return []byte(flights.Read(t, "testdata/"+name+".hex"))
}

func unhex(t testing.TB, text string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.Join(strings.Fields(text), ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

var clients = []struct {
	name, server, protocols string
	version                 uint16
	ech                     bool
	ja4                     string
}{
	{name: "openssl13", server: "www.example.com", protocols: "h2,http/1.1", version: TLS13, ja4: "t13d3111h2_e8f1e7e78f70_1f22a2ca17c4"},
	{name: "openssl12", server: "www.example.com", version: TLS12, ja4: "t12d280700_d943125447b4_e7e480e5a997"},
	{name: "openssl_nosni", version: TLS13, ja4: "t13i310900_e8f1e7e78f70_1f22a2ca17c4"},
	{name: "openssl_three_records", server: "www.example.com", protocols: sixtyProtocols(), version: TLS13, ja4: "t13d3111p0_e8f1e7e78f70_1f22a2ca17c4"},
	{name: "curl", server: "www.example.com", protocols: "h2,http/1.1", version: TLS13, ja4: "t13d3112h2_e8f1e7e78f70_b26ce05bbdd6"},
	{name: "python", server: "python.example.com", version: TLS13, ja4: "t13d181100_85036bcba153_d41ae481755e"},
	{name: "go", server: "go.example.com", protocols: "h2,http/1.1", version: TLS13, ja4: "t13d1312h2_f57a46bbacb6_ab7e3b40a677"},
	{name: "go12", server: "go.example.com", version: TLS12, ja4: "t12d101000_a8cf61a50a39_a92c7c6a82fe"},
	{name: "go10", server: "go.example.com", version: TLS10, ja4: "t10d040800_cefcabfea53d_d96c4944524b"},
	{name: "go_ech", server: "public.example.net", protocols: "h2", version: TLS13, ech: true, ja4: "t13d0310h2_55b375c5d22e_75ab3bfddadf"},
}

func sixtyProtocols() string {
	var names []string
	for i := range 60 {
		names = append(names, "protocol-"+string([]byte{byte('0' + i/10), byte('0' + i%10)}))
	}
	return strings.Join(names, ",")
}

func protocols(h *Hello) string {
	return string(bytes.Join(slices.Collect(h.Protocols()), []byte(",")))
}

func TestCaptured(t *testing.T) {
	var h, kept Hello // the same for all: nothing may be left over
	for _, tc := range clients {
		first := captured(t, tc.name)
		if more, err := h.Parse(first); more != 0 || err != nil {
			t.Errorf("%s: %d, %v", tc.name, more, err)
			continue
		}
		h.CopyTo(&kept)
		for _, h := range []*Hello{&h, &kept} {
			if string(h.ServerName) != tc.server || h.HasServerName != (tc.server != "") || protocols(h) != tc.protocols {
				t.Errorf("%s: server name %q, protocols %q", tc.name, h.ServerName, protocols(h))
			}
			if h.Highest() != tc.version || h.ECH != tc.ech || h.SSL2 {
				t.Errorf("%s: version %x, ECH %v", tc.name, h.Highest(), h.ECH)
			}
			if h.Ciphers.Len() == 0 || h.Groups.Len() == 0 {
				t.Errorf("%s: %d ciphers, %d groups", tc.name, h.Ciphers.Len(), h.Groups.Len())
			}
			if got := string(h.AppendJA4(nil)); got != tc.ja4 {
				t.Errorf("%s: JA4 %s, want %s", tc.name, got, tc.ja4)
			}
		}
	}
}

// TestCutAnywhere shows every beginning of a hello, and what follows behind it: no less is enough, and no more changes
// anything.
func TestCutAnywhere(t *testing.T) {
	for _, tc := range clients {
		first := captured(t, tc.name)
		checkPrefixes(t, tc.name, first, tc.server)
		checkPrefixes(t, tc.name, append(slices.Clone(first), 0x14, 3, 3, 0, 1, 1), tc.server)
		for size := 1; size < len(first); size = size*3/2 + 1 {
			checkPrefixes(t, tc.name, inRecords(first, size), tc.server)
		}
	}
}

func checkPrefixes(t *testing.T, name string, first []byte, server string) {
	t.Helper()
	var h Hello
	needed, whole := 0, false
	for n := range len(first) + 1 {
		more, err := h.Parse(first[:n])
		switch {
		case err != nil:
			t.Fatalf("%s, %d bytes: %v", name, n, err)
		case whole && more != 0, !whole && more == 0 && n < needed:
			t.Fatalf("%s, %d bytes: more %d, before that %d were needed", name, n, more, needed)
		case more == 0 && string(h.ServerName) != server:
			t.Fatalf("%s, %d bytes: server name %q", name, n, h.ServerName)
		}
		whole = more == 0
		needed = n + more
	}
	if !whole {
		t.Fatalf("%s: the whole is not enough", name)
	}
}

// inRecords cuts the handshake message into records of at most size bytes.
func inRecords(first []byte, size int) (cut []byte) {
	var message []byte
	for len(first) > 0 {
		n := 5 + int(first[3])<<8 + int(first[4])
		message, first = append(message, first[5:n]...), first[n:]
	}
	for piece := range slices.Chunk(message, size) {
		cut = append(append(cut, 0x16, 3, 1, byte(len(piece)>>8), byte(len(piece))), piece...)
	}
	return cut
}

// TestEveryRecordBoundary cuts a message in two at each of its bytes.
func TestEveryRecordBoundary(t *testing.T) {
	first := captured(t, "go_ech")
	message := first[5:]
	for at := 1; at < len(message); at++ {
		cut := append([]byte{0x16, 3, 1, byte(at >> 8), byte(at)}, message[:at]...)
		left := len(message) - at
		cut = append(append(cut, 0x16, 3, 1, byte(left>>8), byte(left)), message[at:]...)
		var h Hello
		if more, err := h.Parse(cut); more != 0 || err != nil || string(h.ServerName) != "public.example.net" {
			t.Fatalf("cut at %d: %d, %v, %q", at, more, err, h.ServerName)
		}
	}
}
