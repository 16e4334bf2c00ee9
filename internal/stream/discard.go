package stream

// Discard gives back what a generation has taken that was never applied, such as resolvers.
func (c *Config) Discard() { c.close() }
