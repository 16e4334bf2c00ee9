package detect

// isBitTorrent sees a peer's handshake (BEP 3). One that is obfuscated (message stream encryption) looks like nothing.
func isBitTorrent(first []byte) Verdict { return hasPrefix(first, "\x13BitTorrent protocol") }
