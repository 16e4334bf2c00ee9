package luajit

/*
#include "vm.h"
*/
import "C"

// MaySpawn says that a thread which a FastSpawn makes may run, and its maker may go on when it has ended: nobody else is
// to run before. It holds until it is said again.
func (vm *VM) MaySpawn(yes bool) {
	vm.c.mayspawn = 0
	if yes {
		vm.c.mayspawn = 1
	}
}

// spawned tells the owner of a thread that C has made and that has not ended at once. Its maker has parked.
func (vm *VM) spawned() {
	c := vm.c.spawning
	vm.c.spawning = nil
	t, parent := vm.thread(c), vm.thread(c.spawner)
	c.spawner = nil
	vm.OnSpawn(t, parent)
}

// TakeZombie takes t over, which a FastSpawn of parent has made and which has ended; nil: it is no such thread.
// Values.PushEnded gives its results.
func (t *Thread) TakeZombie() (parent *Thread) {
	c := t.c.spawner
	if c == nil || C.wr_takezombie(c, t.c) == 0 {
		return nil
	}
	return t.vm.thread(c)
}
