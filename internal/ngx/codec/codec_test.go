package codec_test

import (
	"bytes"
	"crypto/hmac"
	"crypto/md5"
	"crypto/sha1"
	"encoding/base64"
	"encoding/hex"
	"hash/crc32"
	"math/rand/v2"
	"testing"

	"github.com/weirproxy/weir/internal/luajit"
)

// caller calls a function of ngx with strings and returns its string, or its number as text.
func caller(t testing.TB) func(name string, args ...[]byte) []byte {
	vm := newVM(t)
	return func(name string, args ...[]byte) []byte {
		chunk, err := vm.Load("=call", []byte(`local f = ngx; for w in ("`+name+`"):gmatch("[%w_]+") do
			f = f[w] end; return tostring((f(...)))`))
		if err != nil {
			t.Fatal(err)
		}
		defer chunk.Free()
		var got []byte
		push := func(v *luajit.Values) {
			for _, a := range args {
				v.PushBytes(a)
			}
		}
		if err := vm.Call(chunk.Ref(), push, func(r luajit.Results) { got = bytes.Clone(r.Bytes(1)) }); err != nil {
			t.Fatal(err)
		}
		return got
	}
}

// TestAgainstGo compares the digests and base64 with the standard library's for every short length, where blocks
// and padding end, and for a few long ones.
func TestAgainstGo(t *testing.T) {
	call := caller(t)
	random := rand.New(rand.NewPCG(1, 2))
	for _, n := range append(upTo(300), 4095, 4096, 4097, 65536+17) {
		src, key := make([]byte, n), make([]byte, n%150)
		for i := range src {
			src[i] = byte(random.Uint32())
		}
		copy(key, src)
		md, sha, mac := md5.Sum(src), sha1.Sum(src), hmac.New(sha1.New, key)
		mac.Write(src)
		check(t, n, "md5", call("md5", src), []byte(hex.EncodeToString(md[:])))
		check(t, n, "md5_bin", call("md5_bin", src), md[:])
		check(t, n, "sha1_bin", call("sha1_bin", src), sha[:])
		check(t, n, "hmac_sha1", call("hmac_sha1", key, src), mac.Sum(nil))
		check(t, n, "encode_base64", call("encode_base64", src), []byte(base64.StdEncoding.EncodeToString(src)))
		check(t, n, "decode_base64", call("decode_base64", []byte(base64.StdEncoding.EncodeToString(src))), src)
	}
	check(t, 0, "crc32", call("crc32_long", []byte("123456789")), []byte("3421780262"))
	if crc32.ChecksumIEEE([]byte("123456789")) != 3421780262 {
		t.Error("the polynomial is not IEEE's")
	}
}

func upTo(n int) []int {
	all := make([]int, n)
	for i := range all {
		all[i] = i
	}
	return all
}

func check(t *testing.T, n int, name string, got, want []byte) {
	t.Helper()
	if !bytes.Equal(got, want) {
		t.Errorf("%s of %d bytes: got %q, want %q", name, n, got, want)
	}
}

// FuzzEncodings encodes and decodes anything.
func FuzzEncodings(f *testing.F) {
	for _, seed := range []string{"", "a", "%", "%2", "%zz+", "a=b&c", "YQ==", "\x00\xff'\""} {
		f.Add([]byte(seed))
	}
	call := caller(f)
	f.Fuzz(func(t *testing.T, s []byte) {
		check(t, len(s), "escape", call("unescape_uri", call("escape_uri", s)), s)
		check(t, len(s), "base64", call("decode_base64", call("encode_base64", s)), s)
		call("unescape_uri", s)
		call("decode_base64", s)
		call("decode_base64mime", s)
		call("decode_args", s)
		call("quote_sql_str", s)
		call("parse_http_time", s)
	})
}
