package detect

// isOpenVPN sees the packet that resets a client's session, behind the length that TCP needs (OpenVPN, ssl_pkt.h:
// P_CONTROL_HARD_RESET_CLIENT): plain, or with tls-auth, tls-crypt or tls-crypt-v2.
func isOpenVPN(first []byte) Verdict {
	const (
		resetV2 = 7 << 3
		resetV3 = 10 << 3
		plain   = 14   // opcode, session, no acknowledgements, packet number
		most    = 1500 // with a wrapped client key
		wrapped = 26   // with the shortest digest
	)
	if len(first) > 0 && first[0] > most>>8 || len(first) > 2 && first[2] != resetV2 && first[2] != resetV3 {
		return No
	}
	if len(first) >= 2 {
		if n := uint16At(first, 0); n != plain && n < wrapped || n > most {
			return No
		}
	}
	if len(first) >= 3 && uint16At(first, 0) == plain && len(first) > 11 {
		for i := 11; i < min(len(first), 16); i++ { // no acknowledgements, packet 0
			if first[i] != 0 {
				return No
			}
		}
	}
	return atLeast(first, 16)
}
