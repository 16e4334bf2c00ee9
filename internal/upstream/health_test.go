package upstream

import "testing"

func TestLeastConnTakesTurnsAmongEquals(t *testing.T) {
	in := newGroup(t, GroupConf{Servers: servers(1, 1, 1), Method: LeastConn}).Instance(0)
	if got := draw(in, "", 6); got != "abcabc" {
		t.Errorf("%s, want abcabc", got)
	}
}

// A failure lowers the weight by weight/max_fails, and each round gives one back: a weighs 2, then 3, then 4 again (without
// the failure the second half would be baabaa).
func TestFailureLowersTheWeight(t *testing.T) {
	list := servers(4, 2)
	list[0].MaxFails = 2
	in := newGroup(t, GroupConf{Servers: list}).Instance(0)
	if got := draw(in, "", 6); got != "abaaba" {
		t.Fatalf("before: %s, want abaaba", got)
	}
	failA(t, in, false, 0)
	if got := draw(in, "", 6); got != "babaab" {
		t.Errorf("after a failure: %s, want babaab", got)
	}
}

// Only a success of an attempt made after fail_timeout clears the failures.
func TestSuccessInTheWindowClearsNothing(t *testing.T) {
	list := servers(1, 1)
	list[0].MaxFails = 2
	in := newGroup(t, GroupConf{Servers: list}).Instance(0)
	failA(t, in, false, 0)
	draw(in, "", 4)
	failA(t, in, true, 1)
}

func TestPeersChangedUnderASessionAreAllTried(t *testing.T) {
	conf := resolving()
	conf.Servers = conf.Servers[1:]
	g := newGroup(t, conf)
	g.replace(0, answer("10.0.0.1", "10.0.0.2"))
	var s Selection
	s.Init(g.Instance(0), nil)
	s.Next(t0)
	s.Free(t0, true)
	g.replace(0, answer("10.0.0.3", "10.0.0.4"))
	got := ""
	for range 2 {
		p, _ := s.Next(t0)
		got += letter(p)
		s.Free(t0, true)
	}
	if got != "cd" {
		t.Errorf("%s, want cd", got)
	}
}

func TestAdoptContinuesTheRound(t *testing.T) {
	conf := GroupConf{Servers: servers(5, 1, 1), Zone: "z"}
	old := newGroup(t, conf)
	draw(old.Instance(0), "", 3)
	g := newGroup(t, conf)
	g.AdoptFrom(old)
	if got := draw(g.Instance(0), "", 4); got != "acaa" {
		t.Errorf("after aab: %s, want acaa", got)
	}
}
