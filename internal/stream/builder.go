package stream

import (
	"fmt"

	"github.com/weirproxy/weir/internal/conf"
	"github.com/weirproxy/weir/internal/logs"
	"github.com/weirproxy/weir/internal/netio"
	"github.com/weirproxy/weir/internal/resolver/addr"
)

// Env is what the process gives to a configuration that is being read.
type Env struct {
	Modules []*Module
	Files   *logs.Files
	Logs    *logs.Generation
	// FullPath makes a file name of the configuration absolute (relative to the prefix).
	FullPath func(name string) string
	// ConfPath does so relative to the configuration file's folder.
	ConfPath func(name string) string
	Prefix   string
	// Lookup resolves names in addresses; nil: the system's resolver.
	Lookup addr.Lookup
	// Previous is the current generation during a reload; nil at the start.
	Previous *Config
	// Warn tells the user of something that is accepted but may not be meant.
	Warn func(n *conf.Node, message string)
	// CodeErrors says what becomes of Lua code that does not compile.
	CodeErrors CodeErrors

	// Config is the result: set once stream{} was read; nil when there is none.
	Config *Config
}

// Builder is stream{} while it is read.
type Builder struct {
	*Env
	Config *Config

	block   *Block // stream{} itself
	groups  []*group
	pending []*Var // used but perhaps not defined yet
	servers []*Block
	ignored []string // directives that stand once and do nothing

	zones     []*zone
	addresses []*address // in the order of their first listen
	byAddr    map[netio.Addr]*address
}

// Block is stream{}, a server{} or an upstream{} while it is read: the Data of its conf.Scope.
type Block struct {
	*Builder
	Server   *Server   // in server{}
	Upstream *Upstream // in upstream{}

	node    *conf.Node
	conf    []any // by Slot; not in upstream{}
	group   *group
	listens []netio.Addr
}

// In is the block that a directive stands in.
func In(s *conf.Scope) *Block { return s.Data.(*Block) }

// InStreamServer is the context of most directives.
const InStreamServer = conf.InStream | conf.InServer

// Directives are those of stream{}, the core's and the modules', which read into env.
func Directives(env *Env) []conf.Directive {
	all := []conf.Directive{{Name: "stream", In: conf.InMain, Args: conf.Block | conf.NoArgs,
		Set: func(s *conf.Scope, n *conf.Node) error { return env.read(s, n) }}}
	all = append(all, coreDirectives...)
	all = append(all, upstreamDirectives...)
	for _, m := range env.Modules {
		all = append(all, m.Directives...)
	}
	return all
}

// read reads stream{} and everything in it.
func (env *Env) read(s *conf.Scope, n *conf.Node) error {
	if env.Config != nil {
		return n.Duplicate()
	}
	b := &Builder{Env: env, Config: &Config{modules: env.Modules, vars: map[string]*Var{}},
		byAddr: map[netio.Addr]*address{}}
	b.block = &Block{Builder: b, node: n, conf: b.newConf()}
	for _, list := range [][]Variable{coreVariables, proxyHeaderVariables, upstreamVariables} {
		if err := b.defineAll(list); err != nil {
			return err
		}
	}
	for _, m := range env.Modules {
		if err := b.defineAll(m.Variables); err != nil {
			return fmt.Errorf("module %s: %w", m.Name, err)
		}
	}
	if err := s.Enter(conf.InStream, b.block).Walk(n.Block); err != nil {
		return err
	}
	if err := b.finish(); err != nil {
		return err
	}
	env.Config = b.Config
	return nil
}

func (b *Builder) slots() []SlotDecl {
	decls := []SlotDecl{coreDecl}
	for _, m := range b.Modules {
		if m.Config.create != nil {
			decls = append(decls, m.Config)
		}
	}
	return decls
}

func (b *Builder) newConf() []any {
	values := make([]any, slots.Load())
	for _, decl := range b.slots() {
		values[decl.index] = decl.create()
	}
	return values
}

// setServer reads a server{} of stream{}.
func setServer(s *conf.Scope, n *conf.Node) error {
	b := In(s).Builder
	server := &Server{config: b.Config}
	block := &Block{Builder: b, node: n, conf: b.newConf(), Server: server}
	server.conf = block.conf
	b.servers = append(b.servers, block)
	if err := s.Enter(conf.InServer, block).Walk(n.Block); err != nil {
		return err
	}
	if len(block.listens) == 0 {
		return n.Errorf(`no "listen" is defined for server`)
	}
	return nil
}

// finish merges the servers' configurations with stream{}'s and resolves what could not be before all was read.
func (b *Builder) finish() error {
	c := b.Config
	c.conf = b.block.conf
	for _, block := range b.servers {
		for _, decl := range b.slots() {
			if err := decl.merge(b, c.conf[decl.index], block.conf[decl.index]); err != nil {
				return block.node.Errorf("%s", err)
			}
		}
		coreSlot.Of(block.Server).fill(b, block.Server)
		c.Servers = append(c.Servers, block.Server)
	}
	if err := b.finishUpstreams(); err != nil {
		return err
	}
	for _, m := range b.Modules {
		if m.Finish != nil {
			if err := m.Finish(b); err != nil {
				return err
			}
		}
	}
	if err := b.resolveVars(); err != nil {
		return err
	}
	for _, s := range c.Servers {
		s.steps, s.logSteps = steps(b.Modules, s), logSteps(b.Modules, s)
	}
	if err := b.finishListeners(); err != nil {
		return err
	}
	return b.checkZones()
}

// SetContent makes handler the server's content; name is the directive's. A second one is an error.
func (b *Block) SetContent(n *conf.Node, handler func(s *Session)) error {
	if b.Server.Content != nil {
		if b.Server.ContentBy == n.Name {
			return n.Duplicate()
		}
		return n.Directivef(`conflicts with "%s" in the same server`, b.Server.ContentBy)
	}
	b.Server.Content, b.Server.ContentBy = handler, n.Name
	return nil
}
