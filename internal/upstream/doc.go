// Package upstream chooses the server a session is proxied to, as nginx's stream upstream modules do: weighted round
// robin, least connections, hash (memcached or ketama), random (one or the less busy of two), with passive health
// (max_fails, fail_timeout), max_conns, backup servers, and servers whose name is resolved again at run time.
//
// It opens no socket and knows no session. A module drives it so:
//
//	group, err := upstream.NewGroup(conf)       // once, while the configuration is read
//	group.AdoptFrom(old)                        // on a reload, before the group is used
//	inst := group.Instance(worker)              // per worker
//
//	sel.Init(inst, key)                         // sel lives in the session; key only matters to a hash
//	peer, err := sel.Next(now)                  // ErrNoLive: "no live upstreams"
//	...connect to peer.Addr...
//	sel.Connected()                             // when the connection stands
//	sel.Free(now, failed)                       // when the session leaves the peer, whatever the reason
//	if failed && sel.Tries() > 0 { ...Next again... }
//
// The clock is an argument everywhere: seconds of Unix time, as the worker's loop caches it.
//
// # State and locks
//
// Without a zone each worker has an Instance of its own with its own weights, failures and connection counts, exactly
// as nginx's workers do; it is used by that worker alone and takes no lock. With a zone all workers share one Instance
// under one mutex, which is held for one selection or one release and never across a wait. Peer's exported fields do not
// change after the peer is made and may be read by anyone.
//
// What it does not do: connect, check health actively, keep connections, or know slow_start, sticky sessions and the
// other directives nginx sells.
package upstream
