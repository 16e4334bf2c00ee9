package ngx

import (
	"strings"
	"testing"
)

// feedAll feeds input in pieces of the given size and returns the result, what was not taken, and whether it ended.
func feedAll(r *receiving, input string, size int) (result, left string, done bool) {
	for len(input) > 0 {
		piece := []byte(input[:min(size, len(input))])
		n, done := r.feed(piece)
		input = input[n:]
		if done {
			return string(r.data()), input, true
		}
		if n < len(piece) {
			panic("bytes left without an end")
		}
	}
	return string(r.data()), "", false
}

func TestReceiving(t *testing.T) {
	tests := []struct {
		name, input  string
		begin        func(r *receiving)
		result, left string
		done         bool
	}{
		{"line", "one\ntwo\n", line, "one", "two\n", true},
		{"line with carriage return", "one\r\ntwo", line, "one", "two", true},
		{"carriage returns inside", "\ro\rne\r\r\nx", line, "one", "x", true},
		{"empty line", "\nx", line, "", "x", true},
		{"only carriage return", "\r\nx", line, "", "x", true},
		{"no end of line", "on\re", line, "one", "", false},
		{"size", "hello world", size(5), "hello", " world", true},
		{"size exact", "hello", size(5), "hello", "", true},
		{"size short", "hell", size(5), "hell", "", false},
		{"all", "hello\n", func(r *receiving) { r.begin(wantAll, 0) }, "hello\n", "", false},
	}
	for _, test := range tests {
		for n := 1; n <= len(test.input); n++ {
			var r receiving
			test.begin(&r)
			result, left, done := feedAll(&r, test.input, n)
			if result != test.result || left != test.left || done != test.done {
				t.Errorf("%s by %d: got %q, left %q, done %v", test.name, n, result, left, done)
			}
		}
	}
}

func line(r *receiving) { r.begin(wantLine, 0) }

func size(n int) func(r *receiving) { return func(r *receiving) { r.begin(wantSize, n) } }

func TestReceivingAny(t *testing.T) {
	var r receiving
	r.begin(wantAny, 3)
	if n, done := r.feed([]byte("ab")); n != 2 || !done || string(r.data()) != "ab" {
		t.Fatal(n, done, r.data())
	}
	r.begin(wantAny, 3)
	if n, done := r.feed([]byte("abcd")); n != 3 || !done || string(r.data()) != "abc" {
		t.Fatal(n, done, r.data())
	}
}

func TestReceiveUntil(t *testing.T) {
	tests := []struct {
		pattern, input string
		inclusive      bool
		want           []string
	}{
		{"--abc", "hello, world ----abc\n", false, []string{"hello, world --", "\n."}},
		{"--abc", "hello, world ----abc\n", true, []string{"hello, world ----abc", "\n."}},
		{"aa", "abcabcaad", false, []string{"abcabc", "d."}},
		{"ab", "aab", false, []string{"a", "."}},
		{"aaaaad", "baaaaaaaaeaaaaaaadf", false, []string{"baaaaaaaaeaa", "f."}},
		{"abcabd", "abcabcabd", false, []string{"abc", "."}},
		{"abcdabcdabe", "abcdabcdabcdabe", false, []string{"abcd", "."}},
		{"\r\n\r\n", "a\r\n\r\r\n\r\nb", false, []string{"a\r\n\r", "b."}},
		{"x", "xx", false, []string{"", "", "."}},
		{"ab", "1a", false, []string{"1."}}, // the held byte is not given out
	}
	for _, test := range tests {
		for n := 1; n <= len(test.input); n++ {
			p := compilePattern([]byte(test.pattern), test.inclusive)
			got := runPattern(p, test.input, n, 0)
			if strings.Join(got, "|") != strings.Join(test.want, "|") {
				t.Errorf("%q in %q by %d: got %q, want %q", test.pattern, test.input, n, got, test.want)
			}
		}
	}
}

// runPattern calls an iterator until the input is used up. A result that is a part ends with a point.
func runPattern(p *pattern, input string, piece, size int) (all []string) {
	for {
		if p.ended {
			p.ended = false
			all = append(all, "nil")
		}
		var r receiving
		r.beginUntil(p, size)
		result, left, done := feedAll(&r, input, piece)
		if !done {
			return append(all, result+".")
		}
		all = append(all, result)
		input = left
	}
}

func TestReceiveUntilSized(t *testing.T) {
	tests := []struct {
		pattern, input string
		size           int
		inclusive      bool
		want           string
	}{
		{"--abc", "hello, world ----abc\n", 4, false, "hell|o, w|orld| --||nil|\n."},
		{"--abc", "hello, world ----abc\n", 4, true, "hell|o, w|orld| --|--abc|nil|\n."},
		{"--abc", "hello, world ----abc\n", 1, false, "h|e|l|l|o|,| |w|o|r|l|d| |-|-||nil|\n|."},
		{"aab", "aax", 1, false, "aa|x|."},
		{"ab", "ab", 3, false, "|nil|."},
	}
	for _, test := range tests {
		for n := 1; n <= len(test.input); n++ {
			p := compilePattern([]byte(test.pattern), test.inclusive)
			got := strings.Join(runPattern(p, test.input, n, test.size), "|")
			if got != test.want {
				t.Errorf("%q in %q, size %d, by %d: got %q, want %q", test.pattern, test.input, test.size, n, got, test.want)
			}
		}
	}
}

func FuzzReceiveUntil(f *testing.F) {
	f.Add("--abc", "hello, world ----abc\n--ab", 3, 0, false)
	f.Add("aab", "aaaabaab", 1, 2, true)
	f.Fuzz(func(t *testing.T, text, input string, piece, size int, inclusive bool) {
		if text == "" {
			return
		}
		piece, size = 1+max(piece, 0)%64, max(size, 0)%64
		p := compilePattern([]byte(text), inclusive)
		left, result, got := input, "", ""
		for done := true; done; {
			var r receiving
			r.beginUntil(p, size)
			result, left, done = feedAll(&r, left, piece)
			got += result
			at := strings.Index(input, text)
			switch {
			case !done && (at >= 0 || got != input[:len(input)-p.state]):
				t.Fatalf("%q in %q: got %q at the end", text, input, got)
			case !done || size > 0 && !p.ended:
				continue
			}
			want := input[:at]
			if inclusive {
				want += text
			}
			if input = input[at+len(text):]; got != want || left != input {
				t.Fatalf("%q: got %q, left %q, want %q", text, got, left, want)
			}
			got, p.ended = "", false
		}
	})
}
