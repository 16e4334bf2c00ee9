package ngx

import (
	"testing"

	"golang.org/x/sys/unix"

	"github.com/weirproxy/weir/internal/stream"
	"github.com/weirproxy/weir/internal/stream/streamtest"
)

// concurrent is how many sessions BenchmarkPrereadHook has at a time.
const concurrent = 64

// BenchmarkPrereadHook is what Lua costs a session, of many, whose preread_by_lua* does nothing; sets ngx.ctx; peeks; or both.
func BenchmarkPrereadHook(b *testing.B) {
	for name, code := range map[string]string{
		"empty":  ``,
		"ctx":    `ngx.ctx.first = 1`,
		"socket": `local sock = assert(ngx.req.socket())`,
		"peek":   `local sock = assert(ngx.req.socket()) assert(sock:peek(1))`,
		"both":   `local sock = assert(ngx.req.socket()) ngx.ctx.first = assert(sock:peek(1))`,
	} {
		b.Run(name, func(b *testing.B) { benchmarkHook(b, code) })
	}
}

func benchmarkHook(b *testing.B, code string) {
	s := streamtest.Start(b, `server { listen 127.0.0.1:%PORT%; preread_by_lua_block { local x = 1 `+code+` }
		content_by_lua_block { } }`, Module)
	done := make(chan struct{})
	w := s.Runtime.Workers()[0]
	b.ReportAllocs()
	w.Loop.Post(func() {
		defer close(done)
		var sessions [concurrent]stream.Session
		for i := range sessions {
			pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_NONBLOCK, 0)
			if err != nil {
				b.Error(err)
				return
			}
			defer unix.Close(pair[1])
			defer unix.Close(pair[0])
			unix.Write(pair[1], []byte("hello"))
			session := &sessions[i]
			session.Worker, session.Server = w, s.Config.Servers[0]
			if err := session.Client.Attach(w.Loop, pair[0], nil); err != nil {
				b.Error(err)
				return
			}
			session.Client.ExpectInput()
		}
		b.ResetTimer()
		for i := range b.N {
			session := &sessions[i%concurrent]
			if requests.Get(session) != nil {
				freeSession(session)
			}
			if result := runPreread(session); result != stream.Done {
				b.Errorf("the hook's result is %d", result)
				return
			}
		}
	})
	<-done
}
