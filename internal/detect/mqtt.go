package detect

// isMQTT sees a CONNECT packet as far as the protocol's version: MQTT 3.1, 3.1.1 and 5 (OASIS MQTT §3.1), also of a
// bridge, which sets the version's highest bit.
func isMQTT(first []byte) Verdict {
	const connect, lengthBytes = 0x10, 4
	if isNot(first, 0, connect) {
		return No
	}
	for i := 1; i <= lengthBytes; i++ {
		if i >= len(first) {
			return NeedMore(i + len("\x00\x04MQTT\x04") + 1 - len(first))
		}
		if first[i]&0x80 == 0 {
			return mqttVersion(first[i+1:])
		}
	}
	return No
}

func mqttVersion(b []byte) Verdict {
	return anyPrefix(b, "\x00\x04MQTT\x04", "\x00\x04MQTT\x05", "\x00\x04MQTT\x84", "\x00\x06MQIsdp\x03", "\x00\x06MQIsdp\x83")
}
