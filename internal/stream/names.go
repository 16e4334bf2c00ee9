package stream

import (
	"bytes"
	"strings"

	"github.com/weirproxy/weir/internal/conf"
	"github.com/weirproxy/weir/internal/logs"
	"github.com/weirproxy/weir/internal/pcre"
)

// serverName is one argument of server_name: a name or wildcard in lower case, or a regular expression.
type serverName struct {
	text string
	re   *Regexp
	node *conf.Node
}

// setServerName reads server_name (ngx_stream_core_server_name).
func setServerName(s *conf.Scope, n *conf.Node) error {
	b := In(s)
	for _, arg := range n.Args {
		name, err := b.serverName(n, arg)
		if err != nil {
			return err
		}
		b.Server.names = append(b.Server.names, name)
		b.Server.Names = append(b.Server.Names, strings.TrimPrefix(name.text, "."))
	}
	return nil
}

func (b *Block) serverName(n *conf.Node, arg string) (serverName, error) {
	if strings.HasPrefix(arg, "*") && (len(arg) < 3 || arg[1] != '.') || arg == "." {
		return serverName{}, n.Errorf(`server name "%s" is invalid`, arg)
	}
	if strings.Contains(arg, "/") {
		b.Warn(n, `server name "`+arg+`" has suspicious symbols`)
	}
	if strings.EqualFold(arg, "$hostname") {
		arg = hostname
	}
	pattern, isRegexp := strings.CutPrefix(arg, "~")
	if !isRegexp {
		return serverName{text: string(conf.AppendLower(nil, []byte(arg))), node: n}, nil
	}
	if pattern == "" {
		return serverName{}, n.Errorf(`empty regex in server name "%s"`, arg)
	}
	var options pcre.Options
	if strings.ContainsFunc(pattern, func(c rune) bool { return 'A' <= c && c <= 'Z' }) {
		options = pcre.Caseless
	}
	re, err := b.Regexp(pattern, options)
	return serverName{text: pattern, re: re, node: n}, err
}

// serverNames are the servers of one address by their names.
type serverNames struct {
	exact    map[string]*Server
	suffixes map[string]*Server // "*.example.com" without its first two bytes
	prefixes map[string]*Server // "www.example.*" without its last two
	regexps  []serverRegexp
}

type serverRegexp struct {
	*Regexp
	server *Server
}

func newServerNames() *serverNames {
	return &serverNames{map[string]*Server{}, map[string]*Server{}, map[string]*Server{}, nil}
}

// add puts a server's names in; who has a name first keeps it (ngx_stream_server_names, ngx_hash_add_key).
func (t *serverNames) add(l *Listener, b *Block) error {
	server := b.Server
	if len(server.names) == 0 && !put(t.exact, "", server) {
		b.Warn(b.node, `conflicting server name "" on `+l.Addr.String()+`, ignored`)
	}
	for _, name := range server.names {
		if name.re != nil {
			t.regexps = append(t.regexps, serverRegexp{name.re, server})
			continue
		}
		text, ok := name.text, true
		suffix, hasSuffix := strings.CutPrefix(text, "*.")
		prefix, hasPrefix := strings.CutSuffix(text, ".*")
		stars := strings.Count(text, "*")
		switch {
		case stars > 1, stars == 1 && !hasSuffix && !hasPrefix, strings.Contains(text, ".."):
			return name.node.Errorf(`invalid server name or wildcard "%s" on %s`, text, l.Addr)
		case strings.HasPrefix(text, "."):
			ok = t.putBoth(text[1:], server)
		case hasSuffix:
			ok = put(t.suffixes, suffix, server)
		case hasPrefix:
			ok = put(t.prefixes, prefix, server)
		default:
			ok = put(t.exact, text, server)
		}
		if !ok {
			b.Warn(name.node, `conflicting server name "`+text+`" on `+l.Addr.String()+`, ignored`)
		}
	}
	return nil
}

func put(to map[string]*Server, name string, server *Server) bool {
	if _, taken := to[name]; taken {
		return false
	}
	to[name] = server
	return true
}

// putBoth puts in a name with those below it. Where the latter are another's, the name is nobody's from now on.
func (t *serverNames) putBoth(name string, server *Server) bool {
	if t.suffixes[name] == nil {
		return put(t.exact, name, server) && put(t.suffixes, name, server)
	}
	put(t.exact, name, nil)
	return false
}

// find is the server for a host in lower case: by the name itself, the longest wildcard in front, the longest at the end,
// the first regular expression that matches (ngx_stream_find_virtual_server). nil: none.
func (t *serverNames) find(s *Session, host []byte) (*Server, error) {
	if server := t.exact[string(host)]; server != nil {
		return server, nil
	}
	for rest := host; ; {
		_, after, ok := bytes.Cut(rest, []byte("."))
		if !ok {
			break
		}
		if server := t.suffixes[string(after)]; server != nil {
			return server, nil
		}
		rest = after
	}
	for dot := bytes.LastIndexByte(host, '.'); dot >= 0; dot = bytes.LastIndexByte(host[:dot], '.') {
		if server := t.prefixes[string(host[:dot])]; server != nil {
			return server, nil
		}
	}
	for _, x := range t.regexps {
		if matched, err := x.Match(s, host); matched || err != nil {
			return x.server, err
		}
	}
	return nil, nil
}

// ChooseServer gives the session to the server of its address that has the name, as the client has sent it: what follows
// in this phase and after it is that server's. A name that no server has, or that is none, changes nothing. It is for
// handlers that return Declined or Done next.
func (s *Session) ChooseServer(name []byte) {
	names := s.listener.names
	if names == nil || len(name) == 0 {
		return
	}
	var room [256]byte
	host, ok := appendHost(room[:0], name)
	if !ok {
		return
	}
	server, err := names.find(s, host)
	switch {
	case err != nil:
		s.Log(logs.Alert, err.Error()+` on "`+string(host)+`"`)
	case server != nil && server != s.Server:
		s.Server = server
		s.flags |= moved
	}
}

// appendHost appends a host name in lower case, without port and the dot at its end. ok is false when it is none
// (ngx_stream_validate_host).
func appendHost(dst, name []byte) (host []byte, ok bool) {
	if colon := bytes.IndexByte(name, ':'); colon >= 0 {
		name = name[:colon]
	}
	name = bytes.TrimSuffix(name, []byte("."))
	for _, c := range name {
		if c <= ' ' || c >= 0x7f || strings.IndexByte(`"/<>?@[\]^`+"`{|}#", c) >= 0 {
			return dst, false
		}
	}
	return conf.AppendLower(dst, name), len(name) > 0 && !bytes.Contains(name, []byte(".."))
}
