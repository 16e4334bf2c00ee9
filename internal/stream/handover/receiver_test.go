package handover

import (
	"strconv"
	"testing"

	"github.com/weirproxy/weir/internal/stream"
)

// TestManyNames: receivers whose names are of the clients' making are not kept for ever; those in use are.
func TestManyNames(t *testing.T) {
	w := new(stream.Worker)
	busy, err := receiverAt(w, "/busy")
	if err != nil {
		t.Fatal(err)
	}
	busy.open = 1
	for n := range 10 * mostReceivers {
		if _, err := receiverAt(w, "/"+strconv.Itoa(n)); err != nil {
			t.Fatal(err)
		}
	}
	if n := len(workers.Of(w).receivers); n > mostReceivers {
		t.Errorf("%d receivers are known", n)
	}
	if r, _ := receiverAt(w, "/busy"); r != busy {
		t.Error("a receiver in use was forgotten")
	}
}
