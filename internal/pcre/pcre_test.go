package pcre

import (
	"runtime"
	"strings"
	"sync"
	"testing"
)

func TestMatch(t *testing.T) {
	tests := []struct {
		pattern, subject string
		options          Options
		want             []int // nil: no match
	}{
		{"b+", "abbc", 0, []int{1, 3}},
		{"B+", "abbc", 0, nil},
		{"B+", "abbc", Caseless, []int{1, 3}},
		{"(a)|(b)", "b", 0, []int{0, 1, -1, -1, 0, 1}},
		{"(a)|(b)", "a", 0, []int{0, 1, 0, 1, -1, -1}},
		{"", "", 0, []int{0, 0}},
		{"^b", "a\nb", 0, nil},
		{"^b", "a\nb", Multiline, []int{2, 3}},
		{"a.b", "a\nb", DotAll, []int{0, 3}},
		{"a b", "ab", Extended, []int{0, 2}},
		{"b", "ab", Anchored, nil},
		{".", "é", UTF, []int{0, 2}},
		{".", "é", UTF | NoUTFCheck, []int{0, 2}},
	}
	for _, test := range tests {
		re, err := Compile(test.pattern, test.options)
		if err != nil {
			t.Fatalf("%q: %v", test.pattern, err)
		}
		caps := make([]int, len(test.want))
		n, err := re.Match(test.subject, caps)
		if err != nil || (n > 0) != (test.want != nil) {
			t.Errorf("%q on %q: n %d, error %v", test.pattern, test.subject, n, err)
			continue
		}
		for i := range caps {
			if caps[i] != test.want[i] {
				t.Errorf("%q on %q: captures %v, want %v", test.pattern, test.subject, caps, test.want)
				break
			}
		}
		if m, _ := re.MatchBytes([]byte(test.subject), nil); m != n {
			t.Errorf("%q: MatchBytes %d, Match %d", test.pattern, m, n)
		}
	}
}

func TestCompileErrors(t *testing.T) {
	tests := map[string]string{
		"(abc":   `pcre2_compile() failed: missing closing parenthesis in "(abc"`,
		"a)b":    `pcre2_compile() failed: unmatched closing parenthesis in "a)b" at ")b"`,
		"[":      `pcre2_compile() failed: missing terminating ] for character class in "["`,
		"*":      `pcre2_compile() failed: quantifier does not follow a repeatable item in "*" at "*"`,
		"(?<a>.": `pcre2_compile() failed: missing closing parenthesis in "(?<a>."`,
	}
	for pattern, want := range tests {
		_, err := Compile(pattern, 0)
		if err == nil || err.Error() != want {
			t.Errorf("%q: %v, want %s", pattern, err, want)
		}
	}
}

func TestNames(t *testing.T) {
	re, err := Compile(`(?<year>\d+)-(?<day>\d+)(x)`, 0)
	if err != nil {
		t.Fatal(err)
	}
	names := re.Names()
	if len(names) != 2 || names[0] != (Name{"day", 2}) || names[1] != (Name{"year", 1}) || re.Groups() != 3 {
		t.Errorf("names %v, groups %d", names, re.Groups())
	}
}

func TestMatchErrors(t *testing.T) {
	re, err := Compile(".", UTF)
	if err != nil {
		t.Fatal(err)
	}
	if n, err := re.Match("\xff", nil); n != 0 || err == nil {
		t.Errorf("bad UTF-8: n %d, error %v", n, err)
	}
}

// TestThreads matches with one pattern from many threads at once; each must see its own captures.
func TestThreads(t *testing.T) {
	re, err := Compile(`(x+)(y+)`, 0)
	if err != nil {
		t.Fatal(err)
	}
	var group sync.WaitGroup
	for i := 1; i <= 4; i++ {
		group.Add(1)
		go func() {
			defer group.Done()
			runtime.LockOSThread() // the thread ends with the goroutine: its match data is freed
			subject := strings.Repeat("x", i) + "yy"
			var caps [6]int
			for range 20000 {
				if n, err := re.Match(subject, caps[:]); n != 3 || err != nil || caps[3] != i || caps[5] != i+2 {
					t.Errorf("thread %d: n %d, error %v, captures %v", i, n, err, caps)
					return
				}
			}
		}()
	}
	group.Wait()
}

func TestMatchAllocatesNothing(t *testing.T) {
	re, err := Compile(`(\d+)`, 0)
	if err != nil {
		t.Fatal(err)
	}
	var caps [4]int
	if n := testing.AllocsPerRun(100, func() { re.Match("abc 123", caps[:]) }); n != 0 {
		t.Errorf("%v allocations a match", n)
	}
}

func FuzzCompile(f *testing.F) {
	for _, s := range []string{"(a|b)*c", "[[:alpha:]", "(?<n>x)\\k<n>", "\\", "a{2,1}", "(?R)", "\x00(", "é+"} {
		f.Add(s, "abc\x00é", 0)
		f.Add(s, "\xff", int(UTF|Caseless))
	}
	f.Fuzz(func(t *testing.T, pattern, subject string, options int) {
		options &= int(Caseless | Multiline | DotAll | Extended | Anchored | UTF | DupNames)
		re, err := Compile(pattern, Options(options))
		if err != nil {
			if !strings.HasPrefix(err.Error(), "pcre2_compile() failed: ") {
				t.Errorf("error %q", err)
			}
			return
		}
		var caps [8]int
		n, _ := re.Match(subject, caps[:])
		if n > 0 && (caps[0] < 0 || caps[1] > len(subject)) {
			t.Errorf("whole match %v of %d bytes", caps[:2], len(subject))
		}
	})
}

func BenchmarkMatch(b *testing.B) {
	re, err := Compile(`(\d+)\.(\d+)`, 0)
	if err != nil {
		b.Fatal(err)
	}
	var caps [6]int
	for b.Loop() {
		re.Match("version 12.345 of it", caps[:])
	}
}
