// Package resolver is the DNS client behind nginx's resolver directive: names that are only known at run time, from a
// proxy_pass with variables, an upstream server with "resolve", or a cosocket.
//
//	config, err := resolver.Parser{Seconds: seconds}.Parse([]string{"127.0.0.1", "valid=30s", "ipv6=off"})
//	r := resolver.New(config)
//	defer r.Close()
//
//	if answer, ok := r.Cached(name); ok { ... }          // literal addresses and fresh answers, without waiting
//	query := r.Lookup(name, timeout, func(a resolver.Answer, err error) {
//		loop.Post(func() { ... })                    // called on a goroutine of the resolver
//	})
//	query.Cancel()                                       // when the session ends first
//
// Queries for one name are joined; answers are kept for their TTL or for valid=. Servers are asked in turn, over UDP,
// over TCP when the answer is cut off; one that does not answer within five seconds, or says that it cannot, is
// followed by the next. Each query has a random id and a socket of its own, and only an answer from the server's
// address, with that id and that question, is believed.
//
// As in nginx, /etc/hosts and search domains are not used, and there is no DNSSEC. Errors are Codes, which print in
// nginx's words.
package resolver
