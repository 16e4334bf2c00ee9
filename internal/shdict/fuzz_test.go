package shdict

import (
	"slices"
	"strings"
	"testing"
)

// FuzzOperations runs a program of operations on a dictionary with room for all of it and on a plain model.
func FuzzOperations(f *testing.F) {
	f.Add([]byte("\x00a1\x01a2\x02a3\x03a4\x04a5\x05a6\x06a7\x07a8\x08a9\x09a0"))
	f.Add([]byte("\x05aa\x05ab\x06ac\x07aa\x08aa\x00aa\x05aa"))
	f.Fuzz(func(t *testing.T, program []byte) {
		d, err := Open("fuzz", 1<<20)
		if err != nil {
			t.Fatal(err)
		}
		defer d.Release()
		m := model{}
		for ; len(program) >= 3; program = program[3:] {
			key := "key" + string('a'+rune(program[1]%4))
			m.step(t, d, program[0]%11, key, program[2])
		}
		m.compare(t, d)
	})
}

// model holds float64, string, or []any for lists.
type model map[string]any

func (m model) step(t *testing.T, d *Dict, op byte, key string, arg byte) {
	var value any = float64(arg)
	if arg%2 == 1 {
		value = strings.Repeat("v", int(arg)*30)
	}
	old, there := m[key]
	list, isList := old.([]any)
	number, isNumber := old.(float64)
	switch op {
	case 0:
		expect(t, d.Set(key, value, 0, 0), nil)
		m[key] = value
	case 1:
		expect(t, d.Add(key, value, 0, 0), when(there, ErrExists))
		if !there {
			m[key] = value
		}
	case 2:
		expect(t, d.Replace(key, value, 0, 0), when(!there, ErrNotFound))
		if there {
			m[key] = value
		}
	case 3:
		expect(t, d.Delete(key), nil)
		delete(m, key)
	case 4:
		_, err := d.Incr(key, float64(arg), 5, 0)
		expect(t, err, when(there && !isNumber, ErrNotNumber))
		if err == nil && !there {
			number = 5
		}
		if err == nil {
			m[key] = number + float64(arg)
		}
	case 5, 6:
		push := d.LPush
		grown := append([]any{value}, list...)
		if op == 6 {
			push, grown = d.RPush, append(slices.Clone(list), value)
		}
		_, err := push(key, value)
		expect(t, err, when(there && !isList, ErrNotList))
		if err == nil {
			m[key] = grown
		}
	case 7, 8:
		pop, at := d.LPop, 0
		if op == 8 {
			pop, at = d.RPop, len(list)-1
		}
		got, err := pop(key)
		expect(t, err, when(there && !isList, ErrNotList))
		if len(list) == 0 {
			return
		}
		if got != list[at] {
			t.Fatalf("pop %v, want %v", got, list[at])
		}
		m[key] = slices.Delete(slices.Clone(list), at, at+1)
		if len(list) == 1 {
			delete(m, key)
		}
	case 9:
		expect(t, d.Expire(key, 0), when(!there, ErrNotFound))
	case 10:
		d.FlushAll()
		d.FlushExpired(0) // else Expire, as OpenResty's, finds what is not removed yet
		clear(m)
	}
}

func (m model) compare(t *testing.T, d *Dict) {
	keys, err := d.Keys(0)
	if err != nil || len(keys) != len(m) {
		t.Fatalf("keys %v, error %v, want %v", keys, err, m)
	}
	for key, want := range m {
		if list, ok := want.([]any); ok {
			if n, err := d.LLen(key); n != len(list) || err != nil {
				t.Errorf("%s: length %d, error %v, want %d", key, n, err, len(list))
			}
			continue
		}
		if got, _, ok := d.Get(key); !ok || got != want {
			t.Errorf("%s: %v, want %v", key, got, want)
		}
	}
}

func when(condition bool, err error) error {
	if condition {
		return err
	}
	return nil
}

func expect(t *testing.T, got, want error) {
	t.Helper()
	if got != want {
		t.Fatalf("error %v, want %v", got, want)
	}
}

// FuzzEviction runs sets and deletes of wild sizes in a small dictionary: nothing may be torn, and all comes back.
func FuzzEviction(f *testing.F) {
	f.Add([]byte("abcdefghijklmnopqrstuvwxyz\x00\xff"))
	f.Fuzz(func(t *testing.T, program []byte) {
		d, err := Open("fuzz", 40<<10)
		if err != nil {
			t.Fatal(err)
		}
		defer d.Release()
		room := d.FreeSpace()
		for i := 0; i+1 < len(program); i += 2 {
			key, n := string('a'+rune(program[i]%32)), int(program[i+1])
			want := strings.Repeat(string(rune('0'+n%10)), n*n/4)
			switch {
			case program[i] < 32:
				d.Delete(key)
			case program[i] < 64:
				d.RPush("list"+key, want)
			case d.Set(key, want, 0, 0) == nil:
				if got, _, _ := d.Get(key); got != want {
					t.Fatalf("%d bytes set, something else got", len(want))
				}
			}
		}
		d.FlushAll()
		d.FlushExpired(0)
		if d.FreeSpace() != room {
			t.Fatalf("%d bytes free at the end, %d at the start", d.FreeSpace(), room)
		}
	})
}
