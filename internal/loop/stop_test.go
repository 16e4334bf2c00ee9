package loop

import (
	"testing"

	"golang.org/x/sys/unix"
)

// ended runs a loop until begin has stopped it.
func ended(t *testing.T, begin func(l *Loop)) *Loop {
	t.Helper()
	l, err := New()
	if err != nil {
		t.Fatal(err)
	}
	l.Post(func() { begin(l) })
	done := make(chan struct{})
	go func() { l.Run(); close(done) }()
	await(t, done)
	return l
}

// TestStopFinishes: what the last round leaves for the next one is done before Run returns.
func TestStopFinishes(t *testing.T) {
	finished := false
	l := ended(t, func(l *Loop) {
		l.Next(func() {
			l.Next(func() { finished = true })
			l.Stop()
		})
	})
	defer l.Close()
	if !finished {
		t.Error("Run has returned with something left to do")
	}
}

// TestPostAfterClose: whoever has the number of the descriptor that woke the loop is not written to.
func TestPostAfterClose(t *testing.T) {
	l := ended(t, (*Loop).Stop)
	number := l.wakefd
	l.Close()
	other, err := unix.Eventfd(0, unix.EFD_NONBLOCK|unix.EFD_CLOEXEC)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(other)
	if other != number {
		if err := unix.Dup3(other, number, unix.O_CLOEXEC); err != nil {
			t.Fatal(err)
		}
		defer unix.Close(number)
	}
	l.Post(func() {})
	l.Stop()
	var count [8]byte
	if n, err := unix.Read(other, count[:]); err != unix.EAGAIN {
		t.Errorf("%d bytes were written to a descriptor of others (%v)", n, err)
	}
}
