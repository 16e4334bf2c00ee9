package shdict

import (
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

func open(t testing.TB, size int) *Dict {
	t.Helper()
	d, err := Open("dogs", size)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(d.Release)
	return d
}

func TestValuesKeepTheirType(t *testing.T) {
	d := open(t, 1<<20)
	for _, want := range []any{"", "text", strings.Repeat("long", 5000), 0.0, -1.5, 1e300, true, false} {
		if err := d.Set("k", want, 0, 7); err != nil {
			t.Fatal(err)
		}
		if got, flags, ok := d.Get("k"); got != want || flags != 7 || !ok {
			t.Errorf("set %T, got %T, flags %d, ok %v", want, got, flags, ok)
		}
	}
	if err := d.Set("k", nil, 0, 0); err != nil {
		t.Fatal(err)
	}
	if _, _, ok := d.Get("k"); ok {
		t.Error("nil does not delete")
	}
}

func TestResults(t *testing.T) {
	d := open(t, 1<<20)
	d.Set("there", 1.0, 0, 0)
	d.RPush("list", "x")
	long := strings.Repeat("k", 65536)
	tests := []struct {
		what      string
		got, want error
	}{
		{"add there", d.Add("there", 2.0, 0, 0), ErrExists},
		{"add new", d.Add("new", 2.0, 0, 0), nil},
		{"add nil", d.Add("new", nil, 0, 0), ErrNil},
		{"replace there", d.Replace("there", "2", 0, 0), nil},
		{"replace none", d.Replace("none", 2.0, 0, 0), ErrNotFound},
		{"delete none", d.Delete("none"), nil},
		{"expire none", d.Expire("none", 0), ErrNotFound},
		{"long key", d.Set(long, 1, 0, 0), ErrKey},
		{"long enough key", d.Set(long[1:], 1, 0, 0), nil},
		{"empty key", d.Set("", 1, 0, 0), ErrKey},
		{"odd value", d.Set("k", []int{}, 0, 0), ErrValue},
	}
	for _, test := range tests {
		if test.got != test.want {
			t.Errorf("%s: %v, want %v", test.what, test.got, test.want)
		}
	}
	if _, err := d.Incr("there", 1, 0, 0); err != ErrNotNumber {
		t.Errorf("incr of a string: %v", err)
	}
	if _, err := d.RPush("new", "x"); err != ErrNotList {
		t.Errorf("push to a number: %v", err)
	}
	if _, err := d.LPop("new"); err != ErrNotList {
		t.Errorf("pop of a number: %v", err)
	}
	if _, _, ok := d.Get("list"); ok {
		t.Error("get of a list")
	}
	if err := d.Set("list", 1.0, 0, 0); err != nil {
		t.Errorf("set over a list: %v", err)
	}
}

func TestLists(t *testing.T) {
	d := open(t, 1<<20)
	d.RPush("l", "b")
	d.RPush("l", 3.0)
	if n, err := d.LPush("l", "a"); n != 3 || err != nil {
		t.Errorf("length %d, error %v", n, err)
	}
	var got []any
	for {
		n, _ := d.LLen("l")
		v, err := d.LPop("l")
		if err != nil {
			t.Fatal(err)
		}
		if v == nil {
			break
		}
		got = append(got, n, v)
	}
	if want := []any{3, "a", 2, "b", 1, 3.0}; !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
	if d.FreeSpace() != open(t, 1<<20).FreeSpace() {
		t.Error("an emptied list leaves pages in use")
	}
}

func TestExpiry(t *testing.T) {
	d := open(t, 256<<10) // one stripe: keys come in order
	d.Set("short", "x", time.Millisecond, 3)
	d.Set("long", "x", time.Hour, 0)
	d.Set("ever", "x", 0, 0)
	until(t, func() bool { ttl, _ := d.TTL("short"); return ttl < 0 })
	if v, flags, stale, ok := d.GetStale("short"); v != "x" || flags != 3 || !stale || !ok {
		t.Errorf("stale: %v %d %v %v", v, flags, stale, ok)
	}
	if keys, err := d.Keys(0); err != nil || !slices.Equal(keys, []string{"long", "ever"}) {
		t.Errorf("keys %v, error %v", keys, err)
	}
	if ttl, _ := d.TTL("long"); ttl <= 59*time.Minute || ttl > time.Hour {
		t.Errorf("ttl %v", ttl)
	}
	if ttl, err := d.TTL("ever"); ttl != 0 || err != nil {
		t.Errorf("ttl for ever %v, %v", ttl, err)
	}
	if n := d.FlushExpired(0); n != 1 {
		t.Errorf("flushed %d", n)
	}
	if _, err := d.TTL("short"); err != ErrNotFound {
		t.Errorf("after the flush: %v", err)
	}
	d.FlushAll()
	if _, _, ok := d.Get("ever"); ok {
		t.Error("flush_all left an entry")
	}
}

func until(t *testing.T, done func() bool) {
	t.Helper()
	for deadline := time.Now().Add(5 * time.Second); !done(); runtime.Gosched() {
		if time.Now().After(deadline) {
			t.Fatal("not within 5 s")
		}
	}
}

// TestFitsAsInOpenResty holds the numbers that OpenResty's own tests of lua_shared_dict hold.
func TestFitsAsInOpenResty(t *testing.T) {
	d := open(t, 100<<10)
	fit := func(value func(i int) string) int {
		for i := 1; ; i++ {
			if err := d.SafeSet(fmt.Sprint("key_", i), value(i), 0, 0); err != nil {
				return i
			}
		}
	}
	if n := fit(func(i int) string { return strings.Repeat(" hello", 10) + strconv.Itoa(i) }); n != 353 {
		t.Errorf("entries of 70 bytes: no memory at %d, OpenResty at 353", n)
	}
	d = open(t, 100<<10)
	if n := fit(func(i int) string { return strings.Repeat("hello", i) }); n < 139 || n > 141 {
		t.Errorf("growing entries: no memory at %d, OpenResty at 140", n)
	}
	for size, pages := range map[int]int{20 << 10: 2, 25 << 10: 3, 30 << 10: 4, 12 << 10: 0, 16 << 10: 1, 100 << 10: 22} {
		if free := open(t, size).FreeSpace(); free != pages*4096 {
			t.Errorf("%d bytes: %d free, OpenResty %d", size, free, pages*4096)
		}
	}
}

func TestEvictsTheLongestUnused(t *testing.T) {
	d := open(t, 20<<10)
	d.Set("foo", strings.Repeat("a", 4000), 0, 0)
	d.Set("bar", strings.Repeat("b", 4000), 0, 0)
	d.Get("foo")
	d.Set("baz", strings.Repeat("c", 4000), 0, 0)
	for key, want := range map[string]bool{"foo": true, "bar": false, "baz": true} {
		if _, _, ok := d.Get(key); ok != want {
			t.Errorf("%s is there: %v", key, ok)
		}
	}
	if err := d.Set("big", strings.Repeat("x", 20<<10), 0, 0); !errors.Is(err, ErrNoMemory) {
		t.Errorf("larger than the dictionary: %v", err)
	}
}

// TestBudget looks at all the memory that dictionaries of any size can ever take.
func TestBudget(t *testing.T) {
	for _, size := range []int{12 << 10, 100 << 10, 256 << 10, 1 << 20, 16 << 20, 64 << 20, 1 << 30} {
		if bound := mapped(open(t, size)); bound > size+size/10 {
			t.Errorf("%d bytes: takes %d", size, bound)
		}
	}
}

// TestThreads lets OS threads work on the same keys, with eviction going on, in both kinds of dictionary.
func TestThreads(t *testing.T) {
	for _, size := range []int{64 << 10, 1 << 20} {
		d := open(t, size)
		d.Set("count", 0.0, 0, 0)
		const threads, rounds = 4, 20000
		var group sync.WaitGroup
		for n := range threads {
			group.Add(1)
			go func() {
				defer group.Done()
				runtime.LockOSThread()
				work(t, d, n, rounds)
			}()
		}
		group.Wait()
		if got, _, _ := d.Get("count"); got != float64(threads*rounds) {
			t.Errorf("%d bytes: count %v of %d", size, got, threads*rounds)
		}
		d.FlushAll()
		d.FlushExpired(0)
		if free := open(t, size).FreeSpace(); d.FreeSpace() != free {
			t.Errorf("%d bytes: %d free after all is flushed, %d when new", size, d.FreeSpace(), free)
		}
	}
}

func work(t *testing.T, d *Dict, thread, rounds int) {
	value := strings.Repeat(strconv.Itoa(thread), 900)
	for i := range rounds {
		if _, err := d.Incr("count", 1, 0, 0); err != nil {
			t.Error(err)
			return
		}
		key := "k" + strconv.Itoa(i%300)
		switch i % 5 {
		case 0, 1:
			d.Set(key, key+":"+value[:i%900], 0, 0)
		case 2:
			d.Delete(key)
		case 3:
			d.RPush("l"+key, value[:i%50])
			d.LPop("l" + key)
		default:
			for n := range 20 {
				key := "k" + strconv.Itoa((i+n)%300)
				v, _, ok := d.Get(key)
				if !ok {
					continue
				}
				rest, is := strings.CutPrefix(v.(string), key+":")
				if !is || strings.Trim(rest, rest[:min(1, len(rest))]) != "" {
					t.Errorf("%s: %q", key, v)
					return
				}
			}
		}
	}
}

func TestRegistry(t *testing.T) {
	var r Registry
	a, _ := r.Acquire("dogs", 1<<20)
	a.Set("k", 1.0, 0, 0)
	b, _ := r.Acquire("dogs", 1<<20)
	other, _ := r.Acquire("dogs", 2<<20)
	if a != b || other == a {
		t.Fatal("same name and size must share, another size must not")
	}
	r.Release(a)
	if v, _, _ := b.Get("k"); v != 1.0 {
		t.Error("the second reference lost the dictionary")
	}
	r.Release(b)
	r.Release(other)
	fresh, _ := r.Acquire("dogs", 2<<20)
	defer r.Release(fresh)
	if _, _, ok := fresh.Get("k"); ok {
		t.Error("a dictionary outlived its last reference")
	}
	if _, err := r.Acquire("cats", MinSize-1); err == nil {
		t.Error("too small a size is accepted")
	}
}
