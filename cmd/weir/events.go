package main

import (
	"github.com/weirproxy/weir/internal/conf"
)

// events is what events{} says (ngx_event_core_module).
type events struct {
	connections conf.Value[int64]
	multiAccept conf.Value[bool]
	mutex       conf.Value[bool]
	mutexDelay  conf.Value[int64]
	aioRequests conf.Value[int64]
	epollEvents conf.Value[int64]
	use         conf.Value[string]
}

// defaultConnections is nginx's DEFAULT_CONNECTIONS.
const defaultConnections = 512

var eventsDirectives = []conf.Directive{
	{Name: "worker_connections", In: conf.InEvents, Args: conf.Take1,
		Set: conf.Field(func(e *events) *conf.Value[int64] { return &e.connections }, readConnections)},
	{Name: "multi_accept", In: conf.InEvents, Args: conf.Flag,
		Set: conf.Field(func(e *events) *conf.Value[bool] { return &e.multiAccept }, (*conf.Node).Flag)},
	{Name: "use", In: conf.InEvents, Args: conf.Take1,
		Set: conf.Field(func(e *events) *conf.Value[string] { return &e.use }, readUse)},
	// Of no meaning to weir: workers share a socket by EPOLLEXCLUSIVE, and files are not read on the loop.
	{Name: "accept_mutex", In: conf.InEvents, Args: conf.Flag,
		Set: conf.Field(func(e *events) *conf.Value[bool] { return &e.mutex }, (*conf.Node).Flag)},
	{Name: "accept_mutex_delay", In: conf.InEvents, Args: conf.Take1,
		Set: conf.Field(func(e *events) *conf.Value[int64] { return &e.mutexDelay }, (*conf.Node).Msec)},
	{Name: "worker_aio_requests", In: conf.InEvents, Args: conf.Take1,
		Set: conf.Field(func(e *events) *conf.Value[int64] { return &e.aioRequests }, (*conf.Node).Int)},
	{Name: "epoll_events", In: conf.InEvents, Args: conf.Take1,
		Set: conf.Field(func(e *events) *conf.Value[int64] { return &e.epollEvents }, (*conf.Node).Int)},
	{Name: "debug_connection", In: conf.InEvents, Args: conf.Take1, Set: accept},
}

func setEvents(s *conf.Scope, n *conf.Node) error {
	c := s.Data.(*settings)
	if c.events != nil {
		return n.Duplicate()
	}
	c.events = &events{}
	return s.Enter(conf.InEvents, c.events).Walk(n.Block)
}

func readConnections(n *conf.Node) (int64, error) {
	connections, ok := conf.ParseInt(n.Args[0])
	if !ok {
		return 0, n.Errorf(`invalid number "%s"`, n.Args[0])
	}
	return connections, nil
}

// readUse takes any of nginx's methods that Linux has; weir's is epoll.
func readUse(n *conf.Node) (string, error) {
	switch n.Args[0] {
	case "epoll", "poll", "select":
		return n.Args[0], nil
	}
	return "", n.Errorf(`invalid event type "%s"`, n.Args[0])
}
