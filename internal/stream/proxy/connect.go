package proxy

import (
	"cmp"
	"strings"

	"github.com/weirproxy/weir/internal/logs"
	"github.com/weirproxy/weir/internal/netio"
	"github.com/weirproxy/weir/internal/proxyproto"
	"github.com/weirproxy/weir/internal/stream"
)

// attempt tries the next peer (ngx_stream_proxy_connect).
func (l *link) attempt() {
	l.s.Action = "connecting to upstream"
	l.attempted = l.loop.Millis()
	l.s.Upstreams = append(l.s.Upstreams, stream.UpstreamState{Connect: -1, FirstByte: -1, Response: -1})
	if !l.choose() {
		return
	}
	l.state().Addr = l.peering.Name
	l.connectSoon()
}

// connect begins to connect to the peer that was chosen.
func (l *link) connect() {
	if l.s.Worker.Full() {
		l.s.Log(logs.Alert, "worker_connections are not enough")
		l.s.Finalize(stream.StatusInternal)
		return
	}
	options := netio.DialOptions{Local: l.peering.Local, Bind: l.peering.Bind,
		Transparent: l.conf.local != nil && l.conf.local.transparent, KeepAlive: l.conf.socketKeepalive.V,
		NoDelay: l.s.Server.TCPNoDelay, SendBuffer: int(l.conf.sendBuffer.V), RecvBuffer: int(l.conf.recvBuffer.V)}
	if err := l.peer.Dial(l.loop, &l.peering.Addr, &options, (*peerEvents)(l)); err != nil {
		l.dialFailed(err)
		return
	}
	l.s.Worker.AddConnections(1)
	if !l.peer.Connecting() {
		l.begun()
		return
	}
	l.s.Arm(cmp.Or(l.peering.ConnectTimeout, l.conf.connectTimeout.V))
}

// choose sets the peer of this attempt; false: there is none, and the session has ended.
func (l *link) choose() bool {
	p := &l.peering
	var err error
	if p.Upstream.Balance != nil {
		err = p.Upstream.Balance.Choose(l.s, p)
	} else {
		err = p.Next(l.seconds())
	}
	switch err {
	case nil:
		return true
	case stream.ErrNoPeer:
		p.Name = p.Upstream.Name
		l.state().Addr = p.Name
		l.s.Log(logs.Error, err.Error())
		l.finish(stream.StatusBadGateway)
	default:
		l.finish(stream.StatusInternal)
	}
	return false
}

// dialFailed handles a connect that could not even begin (ngx_event_connect_peer): a refusal by the system counts
// as the peer's failure, want of a socket does not.
func (l *link) dialFailed(err error) {
	text := stream.Describe(err)
	level := logs.Crit
	if isConnect := strings.HasPrefix(text, "connect()"); isConnect {
		if isPeersFault(err) {
			level = logs.Error
		}
		l.s.Log(level, strings.Replace(text, "connect()", "connect() to "+l.peering.Name, 1))
		l.tryNext()
		return
	}
	l.s.Log(logs.Crit, strings.Replace(text, "bind()", "bind("+bare(l.peering.Local)+")", 1))
	l.finish(stream.StatusInternal)
}

// bare is an address as proxy_bind has it: without a port if it names none.
func bare(a netio.Addr) string {
	if a.AddrPort.Port() == 0 {
		return a.AddrPort.Addr().String()
	}
	return a.String()
}

func (l *link) connectEvent() {
	err := l.peer.FinishConnect()
	if err == netio.ErrAgain {
		return
	}
	if err != nil {
		l.s.Log(logs.Error, stream.Describe(err))
		l.tryNext()
		return
	}
	l.begun()
}

func (l *link) connectTimedOut() {
	l.s.Log(logs.Error, "upstream timed out (110: Connection timed out)")
	l.tryNext()
}

// begun starts to carry bytes (ngx_stream_proxy_init_upstream).
func (l *link) begun() {
	l.connected = true
	now := l.loop.Millis()
	l.state().Connect = now - l.attempted
	l.peering.Connected()
	if l.s.Logs(logs.Info) {
		l.logConnected()
	}
	l.s.Action = "proxying connection"
	if l.conf.proxyProtocol.V {
		l.sendHeader()
	}
	l.active = now
	l.s.Arm(l.timeout())
	l.run()
}

func (l *link) logConnected() {
	local := netio.LocalAddr(l.peer.Fd())
	l.s.LogBare(logs.Info, "proxy "+local.String()+" connected to "+l.peering.Name)
}

// sendHeader has the PROXY protocol header go before the client's bytes.
func (l *link) sendHeader() {
	header := proxyproto.AppendV1(nil, l.s.Remote, l.s.LocalAddr().AddrPort)
	l.up.pending = append(l.up.pending, header...)
}

// tryNext gives the peer up and tries another, if there is one (ngx_stream_proxy_next_upstream).
func (l *link) tryNext() {
	l.s.Disarm()
	l.peering.Failures++
	left := l.giveBack(true)
	timeout := l.conf.nextTimeout.V
	if left == 0 || !l.conf.nextUpstream.V || timeout > 0 && l.loop.Millis()-l.started >= timeout {
		l.finish(stream.StatusBadGateway)
		return
	}
	l.closePeer()
	l.state().Response = l.loop.Millis() - l.attempted
	l.attempt()
}

// giveBack ends the hold of the current peer and tells how many attempts are left.
func (l *link) giveBack(failed bool) (left int) {
	left, disabled := l.peering.GiveBack(l.seconds(), failed)
	if disabled {
		l.s.Log(logs.Warn, "upstream server temporarily disabled")
	}
	return left
}

// seconds is the clock of max_fails and fail_timeout.
func (l *link) seconds() int64 { return l.loop.Now().Unix() }

// state is the present attempt's.
func (l *link) state() *stream.UpstreamState { return &l.s.Upstreams[len(l.s.Upstreams)-1] }

func (l *link) closePeer() {
	if l.peer.IsOpen() {
		l.peer.Close()
		l.s.Worker.AddConnections(-1)
	}
}
