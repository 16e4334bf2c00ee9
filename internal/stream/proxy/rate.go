package proxy

import (
	"github.com/weirproxy/weir/internal/conf"
	"github.com/weirproxy/weir/internal/logs"
	"github.com/weirproxy/weir/internal/loop"
	"github.com/weirproxy/weir/internal/stream"
)

// rate is proxy_upload_rate or proxy_download_rate in bytes per second: fixed, or by a variable.
type rate struct {
	fixed    int64
	template *stream.Template
}

func setUploadRate(c *config, b *stream.Block, n *conf.Node) error {
	return setRate(&c.uploadRate, b, n)
}

func setDownloadRate(c *config, b *stream.Block, n *conf.Node) error {
	return setRate(&c.downloadRate, b, n)
}

func setRate(to **rate, b *stream.Block, n *conf.Node) error {
	if *to != nil {
		return n.Duplicate()
	}
	template, err := b.Template(n.Args[0])
	if err != nil {
		return err
	}
	if !template.IsConstant() {
		*to = &rate{template: template}
		return nil
	}
	fixed, err := n.Size()
	*to = &rate{fixed: fixed}
	return err
}

// of is the rate for a session; 0: no limit.
func (r *rate) of(s *stream.Session) int64 {
	switch {
	case r == nil:
		return 0
	case r.template == nil:
		return r.fixed
	}
	text := r.template.Text(s)
	if text == "" {
		return 0
	}
	v, ok := conf.ParseSize(text)
	if !ok {
		s.Log(logs.Error, `invalid size "`+text+`"`)
		return 0
	}
	return v
}

// brake holds a flow back that may not go faster.
type brake struct {
	loop.Timer
	link *link
}

// Expired implements loop.Expirer.
func (b *brake) Expired() { b.link.run() }

// allowed is how many bytes of at most size the flow may read now. When it is none, the flow is run again in time.
func (l *link) allowed(f *flow, size int) int {
	if f.rate == 0 {
		return size
	}
	if f.brake != nil && f.brake.Armed() {
		return 0
	}
	seconds := l.loop.Now().Unix() - l.startedAt + 1
	left := f.rate*seconds - f.received
	if left <= 0 {
		l.hold(f, -left*1000/f.rate+1)
		return 0
	}
	return int(min(int64(size), left))
}

// slow holds the flow back for as long as n bytes take at its rate.
func (l *link) slow(f *flow, n int) {
	if f.rate == 0 {
		return
	}
	if delay := int64(n) * 1000 / f.rate; delay > 0 {
		l.hold(f, delay)
	}
}

func (l *link) hold(f *flow, millis int64) {
	if f.brake == nil {
		f.brake = &brake{link: l}
		f.brake.Handler = f.brake
	}
	l.loop.Arm(&f.brake.Timer, millis)
}

// braked tells whether a flow is held back: then the session is not idle (proxy_timeout).
func (f *flow) braked() bool { return f.brake != nil && f.brake.Armed() }
