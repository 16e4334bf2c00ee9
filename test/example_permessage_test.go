package test

import (
	"fmt"
	"strings"
	"testing"
)

// TestExamplePerMessage has lines of one connection go to several stores, and the answers come in order.
func TestExamplePerMessage(t *testing.T) {
	s := startExample(t, binary, "per-message", nil)
	c := s.dial(7020)
	const n = 40
	store := map[string]string{} // by key
	used := map[string]bool{}
	for i := range n {
		key := fmt.Sprint("key-", i)
		c.send(fmt.Sprintf("set %s value-%d\n", key, i))
		name, rest, _ := strings.Cut(c.line(), ": ")
		if rest != "stored" {
			t.Fatalf("answer %q", rest)
		}
		store[key], used[name] = name, true
	}
	if len(used) != 3 {
		t.Errorf("stores used: %v", used)
	}
	// All at once, from another connection, byte by byte at first; the slow answer is the first to come.
	d := s.dial(7020)
	questions := "slow key-0\nnonsense\n"
	answers := store["key-0"] + ": at last\nerror: no key\n"
	for i := range n {
		key := fmt.Sprint("key-", i)
		questions += fmt.Sprintf("get %s\n", key)
		answers += fmt.Sprintf("%s: value-%d\n", store[key], i)
	}
	for i := range 20 {
		d.send(questions[i : i+1])
	}
	d.send(questions[20:])
	d.want(answers)
}

// TestExamplePerMessageFails takes a store away: its keys go to others, and after max_fails it is not asked any more.
func TestExamplePerMessageFails(t *testing.T) {
	s := startExample(t, binary, "per-message", func(conf string) string {
		return strings.Replace(conf, "        listen {host}:7022;\n", "", 1)
	})
	c := s.dial(7020)
	for i := range 30 {
		c.send(fmt.Sprintf("set key-%d x\n", i))
		if answer := c.line(); !strings.HasSuffix(answer, ": stored") || strings.HasPrefix(answer, "store-b") {
			t.Errorf("answer %q", answer)
		}
	}
	s.waitLog(`upstream server temporarily disabled`)
	if failures := strings.Count(s.log(), "(111: Connection refused)"); failures != 1 {
		t.Errorf("the dead store was asked %d times, want once", failures)
	}
}
