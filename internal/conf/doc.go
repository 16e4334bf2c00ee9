// Package conf reads nginx.conf: text to a tree with positions, and tree to typed values. It knows no module.
//
// A configuration is read in two steps. Parsing makes nodes:
//
//	tree, err := conf.ParseFile("/etc/weir/nginx.conf")   // fails only if that file cannot be read
//
// and walking dispatches each node to the directive that owns it:
//
//	table := conf.NewTable([]conf.Directive{
//		{Name: "stream", In: conf.InMain, Args: conf.Block | conf.NoArgs, Set: setStream},
//		{Name: "proxy_timeout", In: conf.InStream | conf.InServer, Args: conf.Take1,
//			Set: conf.Slot(timeout, (*conf.Node).Msec)},
//	})
//	err = table.Root(conf.InMain, owner).Walk(tree.Nodes)
//
// A block directive walks its own body:
//
//	func setStream(s *conf.Scope, n *conf.Node) error {
//		return s.Enter(conf.InStream, &Stream{}).Walk(n.Block)
//	}
//
// and a block that holds no directives (map, geo, split_clients) goes through it with Each.
//
// Messages are nginx's, word for word and with the line nginx would tell. nginx carries directives out while it still
// reads, so whichever mistake stands first is the one told; here a syntax error becomes the last node of the block it
// was found in, and Walk reports it when it gets there.
//
// What it does not do: expand variables (ParseTemplate only splits them off), merge levels, or check that a block is
// complete. A body of *_by_lua_block is cut out by Lua's lexical rules and not compiled.
package conf
