package detect

// Protocol is a protocol's name, as $preread_protocol has it.
type Protocol string

// The protocols that are told apart.
const (
	TLS           Protocol = "tls"
	HTTP          Protocol = "http" // 1.0 and 1.1
	HTTP2         Protocol = "http2"
	WebSocket     Protocol = "websocket"
	SSH           Protocol = "ssh"
	SOCKS4        Protocol = "socks4"
	SOCKS5        Protocol = "socks5"
	RDP           Protocol = "rdp"
	Postgres      Protocol = "postgres"
	Memcached     Protocol = "memcached"
	Redis         Protocol = "redis"
	MQTT          Protocol = "mqtt"
	AMQP          Protocol = "amqp"
	DNS           Protocol = "dns"
	XMPP          Protocol = "xmpp"
	OpenVPN       Protocol = "openvpn"
	BitTorrent    Protocol = "bittorrent"
	ProxyProtocol Protocol = "proxy_protocol"
	Unknown       Protocol = "unknown"
)

// Verdict is what a detector says of some first bytes.
type Verdict int

// A verdict is one of these or the result of NeedMore.
const (
	Yes Verdict = 0
	No  Verdict = -1
)

// NeedMore says that it takes at least n bytes more to say Yes; n is positive. One byte more may suffice to say No.
func NeedMore(n int) Verdict { return Verdict(n) }

// More is how many bytes more it takes at least to say Yes; 0 when the verdict is final.
func (v Verdict) More() int { return max(int(v), 0) }

// Result is what is known of a connection.
type Result struct {
	// Protocol is Unknown for No. While more bytes are needed it is what the connection is if none come.
	Protocol Protocol
	// Host is the host that an HTTP request (or WebSocket) is for, as sent, without port; it belongs to the bytes that
	// were given.
	Host []byte
}

// Detector tells one protocol.
type Detector struct {
	Protocol Protocol
	Match    func(first []byte) Verdict
}

// Detectors are all of them in the order in which they have precedence. HTTP's is also that of WebSocket.
var Detectors = [...]Detector{
	{TLS, isTLS},
	{HTTP, isHTTP},
	{HTTP2, isHTTP2},
	{SSH, isSSH},
	{ProxyProtocol, isProxyProtocol},
	{Memcached, isMemcached},
	{Redis, isRedis},
	{Postgres, isPostgres},
	{RDP, isRDP},
	{SOCKS5, isSOCKS5},
	{SOCKS4, isSOCKS4},
	{MQTT, isMQTT},
	{AMQP, isAMQP},
	{XMPP, isXMPP},
	{BitTorrent, isBitTorrent},
	{DNS, isDNS},
	{OpenVPN, isOpenVPN},
}

// Detect tells the protocol that begins with first.
func Detect(first []byte) (Result, Verdict) {
	undecided := 0
	for i := range Detectors {
		switch v := Detectors[i].Match(first); {
		case v == No:
		case v > 0:
			if undecided == 0 || int(v) < undecided {
				undecided = int(v)
			}
		default:
			return settle(Detectors[i].Protocol, first, undecided)
		}
	}
	if undecided > 0 {
		return Result{Protocol: Unknown}, NeedMore(undecided)
	}
	return Result{Protocol: Unknown}, No
}

// settle completes the answer when a detector has said yes. While others before it are undecided it takes at least the
// byte with which they say no.
func settle(p Protocol, first []byte, undecided int) (Result, Verdict) {
	if undecided > 0 {
		return Result{Protocol: p}, NeedMore(1)
	}
	if p == HTTP {
		return readHead(first)
	}
	return Result{Protocol: p}, Yes
}
