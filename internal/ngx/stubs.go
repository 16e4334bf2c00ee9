package ngx

type timers struct{}
type timer struct{}
type balancing struct{}

func (m *machine) abortTimers()         {}
func (r *request) endTimer()            {}
func (r *request) timerContext() string { return "" }
func (r *request) checkAbort()          {}
