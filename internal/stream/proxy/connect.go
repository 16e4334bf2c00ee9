package proxy

import (
	"cmp"

	"github.com/weirproxy/weir/internal/logs"
	"github.com/weirproxy/weir/internal/netio"
	"github.com/weirproxy/weir/internal/proxyproto"
	"github.com/weirproxy/weir/internal/resolver/addr"
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
		l.s.Log(logs.Alert, stream.ErrFull.Error())
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

// bind evaluates proxy_bind. An address that cannot be read is logged and not bound to.
func (l *link) bind() {
	b := l.conf.local
	if b == nil {
		return
	}
	l.peering.Local, l.peering.Bind = b.addr, true
	if b.template == nil {
		return
	}
	text := b.template.Text(l.s)
	l.peering.Local, l.peering.Bind = addr.ParseAddrPort(text)
	if !l.peering.Bind && text != "" {
		l.s.Log(logs.Error, `invalid local address "`+text+`"`)
	}
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
		l.s.Finalize(stream.StatusBadGateway)
	default:
		status := stream.StatusInternal
		if wanted, ok := err.(stream.StatusError); ok {
			status = int(wanted)
		}
		l.s.Finalize(status)
	}
	return false
}

// dialFailed handles a connect that could not even begin (ngx_event_connect_peer): a refusal by the system counts
// as the peer's failure, want of a socket does not.
func (l *link) dialFailed(err error) {
	text, local := stream.DescribeDial(err, l.peering.Name, l.peering.Local)
	level := logs.Crit
	if !local && stream.IsPeersFault(err) {
		level = logs.Error
	}
	l.s.Log(level, text)
	if local {
		l.s.Finalize(stream.StatusInternal)
		return
	}
	l.tryNext()
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
	l.sendHeader()
	l.movedAt = now
	l.s.Arm(l.timeout())
	l.run()
}

func (l *link) logConnected() {
	local := netio.LocalAddr(l.peer.Fd())
	l.s.LogBare(logs.Info, "proxy "+local.String()+" connected to "+l.peering.Name)
}

// sendHeader has the PROXY protocol header go before the client's bytes.
func (l *link) sendHeader() {
	src, dst := l.s.Remote, l.s.LocalAddr().AddrPort
	switch l.conf.proxyProtocol.V {
	case 1:
		l.up.pending = proxyproto.AppendV1(l.up.pending, src, dst)
	case 2:
		l.up.pending, _ = proxyproto.AppendV2(l.up.pending, src, dst) // too large only with additions
	}
}

// tryNext gives the peer up and tries another, if there is one (ngx_stream_proxy_next_upstream).
func (l *link) tryNext() {
	l.s.Disarm()
	l.peering.Failures++
	left := l.giveBack(true)
	timeout := l.conf.nextTimeout.V
	if left == 0 || !l.conf.nextUpstream.V || timeout > 0 && l.loop.Millis()-l.started >= timeout {
		l.s.Finalize(stream.StatusBadGateway)
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
