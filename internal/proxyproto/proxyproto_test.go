package proxyproto

import (
	"bytes"
	"net/netip"
	"strings"
	"testing"
)

var (
	src4 = netip.MustParseAddrPort("192.0.2.1:1234")
	dst4 = netip.MustParseAddrPort("192.0.2.2:5678")
	src6 = netip.MustParseAddrPort("[2001:db8::1]:1234")
	dst6 = netip.MustParseAddrPort("[2001:db8::2]:5678")
)

func TestParseV1(t *testing.T) {
	for _, tc := range []struct {
		data     string
		src, dst netip.AddrPort
		err      string
	}{
		{"PROXY TCP4 192.0.2.1 192.0.2.2 1234 5678\r\n", src4, dst4, ""},
		{"PROXY TCP6 2001:DB8::1 2001:db8:0::2 1234 5678\r\n", src6, dst6, ""},
		{"PROXY UNKNOWN\r\n", netip.AddrPort{}, netip.AddrPort{}, ""},
		{"PROXY UNKNOWN TCP4 192.0.2.1 192.0.2.2 1234 5678\r\n", netip.AddrPort{}, netip.AddrPort{}, ""},
		{"PROXY TCP5 192.0.2.1 192.0.2.2 1234 5678\r\n", src4, dst4, `broken header: "PROXY TCP5 192.0.2.1 192.0.2.2 1234 5678"`},
		{"PROXY TCP4 192.0.2.1 192.0.2.2 1234\r\n", src4, dst4, `broken header: "PROXY TCP4 192.0.2.1 192.0.2.2 1234"`},
		{"PROXY TCP4 192.0.2.1 192.0.2.2 1234 5678 9\r\n", src4, dst4, `broken header: "PROXY TCP4 192.0.2.1 192.0.2.2 1234 5678 9"`},
		{"PROXY TCP4 192.0.2.1 192.0.2.2 1234 65536\r\n", src4, dst4, `broken header: "PROXY TCP4 192.0.2.1 192.0.2.2 1234 65536"`},
		{"PROXY TCP6 fe80::1%eth0 ::1 1 2\r\n", src4, dst4, `broken header: "PROXY TCP6 fe80::1%eth0 ::1 1 2"`},
		{"PROXY INVALID", src4, dst4, `broken header: "PROXY INVALID"`},
		{"PROXY\n", src4, dst4, `broken header: "PROXY"`},
		{"PROXY TCP4\n", src4, dst4, `broken header: "PROXY TCP4"`},
		{"PROXY UNKNOWN" + strings.Repeat("x", 4000) + "\r\n", netip.AddrPort{}, netip.AddrPort{}, ""},
		{"PROXY UNKNOWN" + strings.Repeat("x", MaxSize), src4, dst4, `broken header: "PROXY UNKNOWN` + strings.Repeat("x", MaxSize) + `"`},
		{"GET / HTTP/1.0\r\n\r\n", src4, dst4, `broken header: "GET / HTTP/1.0"`},
	} {
		var h Header
		n, err := Parse([]byte(tc.data), &h)
		if tc.err != "" {
			if err == nil || err.Error() != tc.err {
				t.Errorf("%q: %v, want %s", tc.data, err, tc.err)
			}
			continue
		}
		if err != nil || n != len(tc.data) || h.Source != tc.src || h.Destination != tc.dst || h.Version != 1 {
			t.Errorf("%q: %d, %v, %+v", tc.data, n, err, h)
		}
		checkPrefixes(t, []byte(tc.data))
	}
}

// checkPrefixes has everything shorter than a header be the beginning of one.
func checkPrefixes(t *testing.T, header []byte) {
	t.Helper()
	for i := range header {
		var h Header
		if _, err := Parse(header[:i], &h); err != ErrMore {
			t.Fatalf("%q: %v", header[:i], err)
		}
	}
}

func TestV2(t *testing.T) {
	mapped := netip.AddrPortFrom(netip.AddrFrom16(src4.Addr().As16()), 1234)
	for _, tc := range []struct{ src, dst, wantSrc, wantDst netip.AddrPort }{
		{src4, dst4, src4, dst4},
		{src6, dst6, src6, dst6},
		{mapped, dst4, src4, dst4},
		{src4, dst6, mapped, dst6},
		{netip.AddrPort{}, dst4, netip.AddrPort{}, netip.AddrPort{}},
	} {
		tlvs := []TLV{{TypeALPN, []byte("h2")}, {TypeUniqueID, nil}}
		data, err := AppendV2([]byte("x"), tc.src, tc.dst, tlvs...)
		if err != nil {
			t.Fatal(err)
		}
		data = data[1:]
		var h Header
		n, err := Parse(append(data, "rest"...), &h)
		if err != nil || n != len(data) || h.Source != tc.wantSrc || h.Destination != tc.wantDst || h.Version != 2 {
			t.Errorf("%v %v: %d, %v, %+v", tc.src, tc.dst, n, err, h)
		}
		if alpn, err := Lookup(h.TLVs, TypeALPN); string(alpn) != "h2" || err != nil {
			t.Errorf("%q, %v", alpn, err)
		}
		if id, err := Lookup(h.TLVs, TypeUniqueID); len(id) != 0 || err != nil {
			t.Errorf("%q, %v", id, err)
		}
		checkPrefixes(t, data)
	}
}

func TestV2Errors(t *testing.T) {
	for body, want := range map[string]string{
		"\x31\x11\x00\x0c123456789012": "unknown PROXY protocol version: 3",
		"\x21\x11\x00\x0b12345678901":  `broken header: ""`,
		"\x21\x21\x00\x0c123456789012": `broken header: ""`,
		"\x21\x11\xff\xff":             "header is too large",
	} {
		var h Header
		if _, err := Parse([]byte(signature+body), &h); err == nil || err.Error() != want {
			t.Errorf("%q: %v, want %s", body, err, want)
		}
	}
	for _, body := range []string{"\x21\x31\x00\x04abcd", "\x20\x11\x00\x00", "\x21\x00\x00\x02ab"} { // addresses that are not used
		var h Header
		if n, err := Parse([]byte(signature+body), &h); n != len(signature+body) || err != nil || h.Source.IsValid() {
			t.Errorf("%q: %d, %v, %v", body, n, err, h.Source)
		}
	}
	if _, err := AppendV2(nil, src4, dst4, TLV{1, make([]byte, 1<<16)}); err != ErrTooLarge {
		t.Error(err)
	}
	if buf, err := AppendV2([]byte("x"), src4, dst4, TLV{1, make([]byte, 0xffff)}); err != ErrTooLarge || string(buf) != "x" {
		t.Error(len(buf), err)
	}
}

func TestNamed(t *testing.T) {
	ssl, err := AppendTLVs([]byte{1, 0, 0, 1, 2}, TLV{TypeSSLVersion, []byte("TLSv1.3")}, TLV{TypeSSLCN, []byte("cn")},
		TLV{TypeSSLCipher, []byte("cipher")}, TLV{TypeSSLSigAlg, []byte("sig")}, TLV{TypeSSLKeyAlg, []byte("key")})
	if err != nil {
		t.Fatal(err)
	}
	tlvs, err := AppendTLVs(nil, TLV{TypeALPN, []byte("h2")}, TLV{TypeAuthority, []byte("host")}, TLV{TypeUniqueID, []byte("id")},
		TLV{TypeNetNS, []byte("ns")}, TLV{TypeSSL, ssl}, TLV{0xea, []byte("own")})
	if err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		tlvs        []byte
		name, value string
		err         string
	}{
		{tlvs, "alpn", "h2", ""},
		{tlvs, "authority", "host", ""},
		{tlvs, "unique_id", "id", ""},
		{tlvs, "netns", "ns", ""},
		{tlvs, "ssl", string(ssl), ""},
		{tlvs, "0xea", "own", ""},
		{tlvs, "0x1", "h2", ""},
		{tlvs, "ssl_verify", "258", ""},
		{tlvs, "ssl_version", "TLSv1.3", ""},
		{tlvs, "ssl_cn", "cn", ""},
		{tlvs, "ssl_cipher", "cipher", ""},
		{tlvs, "ssl_sig_alg", "sig", ""},
		{tlvs, "ssl_key_alg", "key", ""},
		{tlvs, "ssl_0x22", "cn", ""},
		{tlvs, "0x99", "", ErrNoTLV.Error()},
		{tlvs, "ssl_0x99", "", ErrNoTLV.Error()},
		{nil, "ssl_cn", "", ErrNoTLV.Error()},
		{tlvs, "0x100", "", `invalid PROXY protocol TLV "0x100"`},
		{tlvs, "nope", "", `unknown PROXY protocol TLV "nope"`},
		{tlvs, "ssl_nope", "", `unknown PROXY protocol TLV "nope"`},
		{tlvs[:4], "alpn", "", ErrBrokenTLV.Error()},
		{tlvs[:2], "alpn", "", ErrBrokenTLV.Error()},
		{[]byte{TypeSSL, 0, 1, 0}, "ssl_verify", "", ErrBrokenTLV.Error()},
	} {
		h := Header{TLVs: tc.tlvs}
		got, err := h.AppendNamed(nil, tc.name)
		if string(got) != tc.value || (err == nil) != (tc.err == "") || err != nil && err.Error() != tc.err {
			t.Errorf("%s: %q, %v", tc.name, got, err)
		}
	}
}

func TestAppendV1(t *testing.T) {
	for _, tc := range []struct {
		src, dst netip.AddrPort
		want     string
	}{
		{src4, dst4, "PROXY TCP4 192.0.2.1 192.0.2.2 1234 5678\r\n"},
		{src6, dst6, "PROXY TCP6 2001:db8::1 2001:db8::2 1234 5678\r\n"},
		{netip.AddrPort{}, dst4, "PROXY UNKNOWN\r\n"},
		{src4, dst6, "PROXY TCP6 ::ffff:192.0.2.1 2001:db8::2 1234 5678\r\n"},
		{src6, dst4, "PROXY TCP6 2001:db8::1 ::ffff:192.0.2.2 1234 5678\r\n"},
		{src4, netip.AddrPort{}, "PROXY TCP4 192.0.2.1 0.0.0.0 1234 0\r\n"},
		{src6, netip.AddrPort{}, "PROXY TCP6 2001:db8::1 :: 1234 0\r\n"},
		{netip.MustParseAddrPort("[::ffff:192.0.2.1]:1234"), dst4, "PROXY TCP4 192.0.2.1 192.0.2.2 1234 5678\r\n"},
	} {
		if got := string(AppendV1(nil, tc.src, tc.dst)); got != tc.want {
			t.Errorf("%q, want %q", got, tc.want)
		}
	}
}

// FuzzParse checks that nothing panics, that what is shorter than a header is the beginning of one, and that what
// follows a header does not change it.
func FuzzParse(f *testing.F) {
	v2, _ := AppendV2(nil, src6, dst6, TLV{TypeALPN, []byte("h2")})
	f.Add(v2)
	f.Add([]byte("PROXY TCP4 192.0.2.1 192.0.2.2 1234 5678\r\n"))
	f.Add([]byte("PROXY UNKNOWN\r\n"))
	f.Add([]byte("PROXY \r\r\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		var h, again Header
		n, err := Parse(data, &h)
		if err != nil {
			return
		}
		checkPrefixes(t, data[:n])
		if m, err := Parse(append(bytes.Clone(data[:n]), "GET"...), &again); m != n || err != nil || again.Source != h.Source {
			t.Fatalf("%d, %v", m, err)
		}
		for _, name := range []string{"alpn", "ssl_cn", "ssl_verify"} {
			h.AppendNamed(nil, name)
		}
	})
}
