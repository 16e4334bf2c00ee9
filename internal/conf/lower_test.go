package conf

import "testing"

func TestAppendLower(t *testing.T) {
	for _, tt := range []struct{ dst, text, want string }{
		{"", "", ""},
		{"", "WWW.Example.COM", "www.example.com"},
		{"Key: ", "Value", "Key: value"},
		{"", "@AZ[`az{09", "@az[`az{09"},
		{"", "\x00Ä\xc1\xff", "\x00Ä\xc1\xff"},
	} {
		if got := AppendLower([]byte(tt.dst), []byte(tt.text)); string(got) != tt.want {
			t.Errorf("%q after %q: got %q, want %q", tt.text, tt.dst, got, tt.want)
		}
	}
}

func TestAppendLowerOfItsOwn(t *testing.T) {
	for _, room := range []int{0, 100} {
		dst := append(make([]byte, 0, 5+room), "x ABC"...)
		if got := AppendLower(dst, dst[2:]); string(got) != "x ABCabc" {
			t.Errorf("room %d: got %q", room, got)
		}
	}
}

func TestAppendLowerAllocatesNothing(t *testing.T) {
	var room [64]byte
	text := []byte("WWW.Example.COM")
	if n := testing.AllocsPerRun(100, func() { AppendLower(room[:0], text) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
