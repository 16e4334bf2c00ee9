package stream

import (
	"sync/atomic"

	"github.com/weirproxy/weir/internal/conf"
)

var slots, sessionSlots, workerSlots, generationSlots atomic.Int32

// Slot is where a module keeps its configuration of stream{} and of each server{}. A module declares one as a
// package variable and names it in Module.Config:
//
//	var slot = stream.NewSlot[config]()
//
//	var Module = &stream.Module{Config: slot.Decl(newConfig, mergeConfig), …}
type Slot[T any] struct{ index int }

// NewSlot reserves a slot.
func NewSlot[T any]() *Slot[T] { return &Slot[T]{index: int(slots.Add(1)) - 1} }

// Of is the merged configuration for a server.
func (k *Slot[T]) Of(s *Server) *T { return s.conf[k.index].(*T) }

// Main is the configuration that stands in stream{} itself.
func (k *Slot[T]) Main(c *Config) *T { return c.conf[k.index].(*T) }

// In is the module's configuration of the block that a directive stands in.
func (k *Slot[T]) In(s *conf.Scope) *T { return In(s).conf[k.index].(*T) }

// Stream is the module's configuration of stream{} itself while it is read.
func (k *Slot[T]) Stream(b *Builder) *T { return b.block.conf[k.index].(*T) }

// Set makes a directive's setter of a function on the module's configuration.
func (k *Slot[T]) Set(fn func(c *T, b *Block, n *conf.Node) error) conf.Setter {
	return func(s *conf.Scope, n *conf.Node) error { return fn(k.In(s), In(s), n) }
}

// Field makes a setter for a directive that is nothing but one value, which may be set once in a block.
func Field[T, V any](k *Slot[T], field func(*T) *conf.Value[V], read func(*conf.Node) (V, error)) conf.Setter {
	return conf.Slot(func(s *conf.Scope) *conf.Value[V] { return field(k.In(s)) }, read)
}

// SlotDecl is a slot with what makes and merges its values.
type SlotDecl struct {
	index  int
	create func() any
	merge  func(b *Builder, parent, child any) error
}

// Decl says how the slot's values are made, and how a server's value takes from stream{}'s what it does not say
// itself. A nil create stands for new(T), a nil merge for nothing to take.
func (k *Slot[T]) Decl(create func() *T, merge func(b *Builder, parent, child *T) error) SlotDecl {
	return SlotDecl{
		index: k.index,
		create: func() any {
			if create == nil {
				return new(T)
			}
			return create()
		},
		merge: func(b *Builder, parent, child any) error {
			if merge == nil {
				return nil
			}
			return merge(b, parent.(*T), child.(*T))
		},
	}
}

// SessionSlot is where a module keeps something for the time of a session.
type SessionSlot[T any] struct{ index int }

// NewSessionSlot reserves a slot in every session.
func NewSessionSlot[T any]() *SessionSlot[T] {
	return &SessionSlot[T]{index: int(sessionSlots.Add(1)) - 1}
}

// Get is what Set has put there in this session; nil at first.
func (k *SessionSlot[T]) Get(s *Session) *T {
	if k.index >= len(s.scope) {
		return nil
	}
	value, _ := s.scope[k.index].(*T)
	return value
}

// Set puts value there until the session is freed.
func (k *SessionSlot[T]) Set(s *Session, value *T) {
	if s.scope == nil {
		s.scope = make([]any, sessionSlots.Load())
	}
	s.scope[k.index] = value
}

// WorkerSlot is where a module keeps something for each worker, whatever the generation: pools above all. What is to be closed
// is an Ender.
type WorkerSlot[T any] struct{ index int }

// NewWorkerSlot reserves a slot in every worker.
func NewWorkerSlot[T any]() *WorkerSlot[T] {
	return &WorkerSlot[T]{index: int(workerSlots.Add(1)) - 1}
}

// Of is the worker's value; a new zero value at first.
func (k *WorkerSlot[T]) Of(w *Worker) *T {
	if w.scope == nil {
		w.scope = make([]any, workerSlots.Load())
	}
	if w.scope[k.index] == nil {
		w.scope[k.index] = new(T)
	}
	return w.scope[k.index].(*T)
}

// Ender is what a module keeps in a WorkerSlot and wants to know when the worker has ended.
type Ender interface{ WorkerEnded() }

func (w *Worker) endScope() {
	for _, kept := range w.scope {
		if e, ok := kept.(Ender); ok {
			e.WorkerEnded()
		}
	}
}

// GenerationSlot is where a module keeps something for each worker of a generation, such as a Lua VM.
type GenerationSlot[T any] struct{ index int }

// NewGenerationSlot reserves a slot for every worker of every generation.
func NewGenerationSlot[T any]() *GenerationSlot[T] {
	return &GenerationSlot[T]{index: int(generationSlots.Add(1)) - 1}
}

// Of is what Build made for this worker in c's generation.
func (k *GenerationSlot[T]) Of(w *Worker, c *Config) *T {
	kept, _ := c.workers[w.ID].scope[k.index].(*T)
	return kept
}

// Hooks are called once for each worker of a generation. Those that are nil are left out.
type Hooks[T any] struct {
	// Build makes the worker's value; on an ordinary goroutine, before the generation is used.
	Build func(c *Config, worker int) (*T, error)
	// Start runs on the worker's loop when the generation becomes current.
	Start func(w *Worker, kept *T)
	// Retire runs on the worker's loop when another generation has become current; sessions may still use the value.
	Retire func(w *Worker, kept *T)
	// Free runs on the worker's loop when no session uses the value any more. There is none if Build has failed.
	Free func(w *Worker, kept *T)
}

// GenerationDecl is a GenerationSlot with its hooks.
type GenerationDecl struct {
	build               func(c *Config, worker int) error
	start, retire, free func(w *Worker, c *Config)
}

// Decl says what is called when.
func (k *GenerationSlot[T]) Decl(h Hooks[T]) GenerationDecl {
	onLoop := func(hook func(w *Worker, kept *T)) func(*Worker, *Config) {
		if hook == nil {
			return nil
		}
		return func(w *Worker, c *Config) { hook(w, k.Of(w, c)) }
	}
	d := GenerationDecl{start: onLoop(h.Start), retire: onLoop(h.Retire)}
	if h.Build != nil {
		d.build = func(c *Config, worker int) error {
			kept, err := h.Build(c, worker)
			if err == nil {
				c.workers[worker].scope[k.index] = kept
			}
			return err
		}
	}
	if h.Free != nil {
		d.free = func(w *Worker, c *Config) {
			if kept := k.Of(w, c); kept != nil {
				h.Free(w, kept)
			}
		}
	}
	return d
}
