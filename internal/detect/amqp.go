package detect

// isAMQP sees a protocol header: AMQP 0-8 to 0-9-1, and 1.0 plain, with TLS or with SASL inside (OASIS AMQP 1.0 §2.2).
func isAMQP(first []byte) Verdict {
	return anyPrefix(first, "AMQP\x00\x00\x09\x01", "AMQP\x00\x01\x00\x00", "AMQP\x02\x01\x00\x00", "AMQP\x03\x01\x00\x00",
		"AMQP\x01\x01\x00\x0a", "AMQP\x01\x01\x00\x09", "AMQP\x01\x01\x08\x00", "AMQP\x01\x01\x09\x01")
}
