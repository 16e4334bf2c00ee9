package loop

import (
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

func running(t *testing.T) *Loop {
	t.Helper()
	l, err := New()
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() { l.Run(); close(done) }()
	t.Cleanup(func() {
		l.Stop()
		<-done
		l.Close()
	})
	return l
}

// call runs fn on the loop and waits for it.
func call(t *testing.T, l *Loop, fn func()) {
	t.Helper()
	done := make(chan struct{})
	l.Post(func() { fn(); close(done) })
	await(t, done)
}

func await(t *testing.T, done <-chan struct{}) {
	t.Helper()
	select {
	case <-done:
	case <-time.After(10 * time.Second):
		t.Fatal("the loop did not answer within 10 s")
	}
}

func TestPostKeepsOrderFromManyGoroutines(t *testing.T) {
	l := running(t)
	const posters, each = 8, 500
	last := make([]int, posters)
	var wg sync.WaitGroup
	for p := range posters {
		wg.Go(func() {
			for i := 1; i <= each; i++ {
				l.Post(func() {
					if last[p] != i-1 {
						t.Errorf("poster %d: call %d after %d", p, i, last[p])
					}
					last[p] = i
				})
			}
		})
	}
	wg.Wait()
	call(t, l, func() {})
	for p, n := range last {
		if n != each {
			t.Errorf("poster %d: %d of %d calls made", p, n, each)
		}
	}
}

type expirer func()

func (e expirer) Expired() { e() }

func TestTimersExpireInOrder(t *testing.T) {
	l := running(t)
	var got []int64
	done := make(chan struct{})
	const n = 200
	timers := make([]Timer, n)
	call(t, l, func() {
		for i := range timers {
			timer := &timers[i]
			timer.Handler = expirer(func() {
				got = append(got, timer.When())
				if len(got) == n/2 {
					close(done)
				}
			})
			l.Arm(timer, rand.Int64N(40))
		}
		for i := range timers { // arm again for another time, and take every second one out
			l.Arm(&timers[i], rand.Int64N(40))
			if i%2 == 0 {
				l.Disarm(&timers[i])
			}
		}
	})
	await(t, done)
	call(t, l, func() {
		for i := 1; i < len(got); i++ {
			if got[i] < got[i-1] {
				t.Errorf("timer %d expired before %d", got[i], got[i-1])
			}
		}
		for i := range timers {
			if timers[i].Armed() {
				t.Errorf("timer %d is still armed", i)
			}
		}
	})
}

// TestTimersOfOneTime: those that are armed for the same moment expire in the order in which they were.
func TestTimersOfOneTime(t *testing.T) {
	l := running(t)
	var order []int
	done := make(chan struct{})
	timers := make([]Timer, 100)
	call(t, l, func() {
		for i := range timers {
			timers[i].Handler = expirer(func() {
				if order = append(order, i); len(order) == len(timers) {
					close(done)
				}
			})
			l.Arm(&timers[i], 10)
		}
		for i := range 50 {
			l.Disarm(&timers[i])
		}
		for i := range 50 {
			l.Arm(&timers[i], 10)
		}
	})
	await(t, done)
	for i, n := range order {
		if n != (i+50)%100 {
			t.Fatalf("the order is %v", order)
		}
	}
}

func TestNextRunsAfterTheRound(t *testing.T) {
	l := running(t)
	done := make(chan struct{})
	var order []string
	l.Post(func() {
		l.Next(func() {
			order = append(order, "next")
			l.Next(func() { order = append(order, "next of next"); close(done) })
		})
		order = append(order, "post")
	})
	await(t, done)
	if len(order) != 3 || order[0] != "post" || order[2] != "next of next" {
		t.Errorf("order %q", order)
	}
}

type handler func(Events)

func (h handler) Ready(ev Events) { h(ev) }

func TestForgottenDescriptorIsNotReported(t *testing.T) {
	l := running(t)
	var a, b [2]int
	for _, pair := range []*[2]int{&a, &b} {
		fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_NONBLOCK, 0)
		if err != nil {
			t.Fatal(err)
		}
		*pair = fds
		defer unix.Close(fds[0])
		defer unix.Close(fds[1])
	}
	reported := make(chan struct{}, 2)
	call(t, l, func() {
		// Both become readable in the same batch; whoever is told first forgets the other.
		l.Add(a[0], handler(func(Events) { l.Forget(b[0]); reported <- struct{}{} }), In|Edge)
		l.Add(b[0], handler(func(Events) { l.Forget(a[0]); reported <- struct{}{} }), In|Edge)
		unix.Write(a[1], []byte("x"))
		unix.Write(b[1], []byte("x"))
	})
	<-reported
	call(t, l, func() {})
	if len(reported) != 0 {
		t.Error("a forgotten descriptor was reported")
	}
}

func TestChangedEvents(t *testing.T) {
	l := running(t)
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fds[0])
	defer unix.Close(fds[1])
	reported := make(chan Events, 1)
	call(t, l, func() {
		l.Add(fds[0], handler(func(ev Events) {
			l.Change(fds[0], In)
			unix.Read(fds[0], make([]byte, 1))
			reported <- ev
		}), In)
		l.Change(fds[0], In|Out)
	})
	if ev := <-reported; ev&Out == 0 {
		t.Errorf("reported %b when there is room to write", ev)
	}
	call(t, l, func() { unix.Write(fds[1], []byte("x")) })
	if ev := <-reported; ev != In {
		t.Errorf("reported %b when there is something to read", ev)
	}
	call(t, l, func() { l.Remove(fds[0]) })
}
