package ngx

import (
	"testing"

	"github.com/weirproxy/weir/internal/stream"
	"github.com/weirproxy/weir/internal/stream/streamtest"
)

// BenchmarkPrereadHook is what Lua costs a session whose preread_by_lua sets ngx.ctx.
func BenchmarkPrereadHook(b *testing.B) {
	s := streamtest.Start(b, `server { listen 127.0.0.1:%PORT%; preread_by_lua_block { ngx.ctx.x = 1 }
		content_by_lua_block { } }`, Module)
	done := make(chan struct{})
	w := s.Runtime.Workers()[0]
	b.ReportAllocs()
	w.Loop.Post(func() {
		defer close(done)
		m := hooks.State(w, s.Config).(*machine)
		session := &stream.Session{Worker: w, Server: s.Config.Servers[0]}
		code := slot.Of(session.Server).preread
		b.ResetTimer()
		for range b.N {
			r := m.newRequest()
			r.session, r.phase, r.inHandler = session, inPreread, true
			if err := r.begin(inPreread, r.code(code)); err != nil {
				b.Error(err)
			}
			r.free()
		}
	})
	<-done
}
