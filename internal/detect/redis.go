package detect

import "bytes"

// isRedis sees a command as an array of strings, or one of the well-known commands inline (Redis serialization
// protocol specification).
func isRedis(first []byte) Verdict {
	switch {
	case len(first) == 0:
		return NeedMore(1)
	case first[0] == '*':
		return isRedisArray(first)
	}
	return isRedisInline(first)
}

// isRedisArray sees "*2\r\n$3\r\n".
func isRedisArray(first []byte) Verdict {
	rest, v := redisCount(first, '*')
	if v != Yes {
		return v
	}
	_, v = redisCount(rest, '$')
	return v
}

// redisCount sees kind, a number above 0 and a line's end.
func redisCount(b []byte, kind byte) (rest []byte, v Verdict) {
	const maxDigits = 10
	if isNot(b, 0, kind) || isNot(b, 1, '1') && (b[1] < '1' || b[1] > '9') {
		return nil, No
	}
	for i := 2; i < len(b); i++ {
		switch {
		case '0' <= b[i] && b[i] <= '9' && i <= maxDigits:
		case b[i] != '\r' || isNot(b, i+1, '\n'):
			return nil, No
		case i+1 == len(b):
			return nil, NeedMore(1)
		default:
			return b[i+2:], Yes
		}
	}
	return nil, NeedMore(max(4-len(b), 1))
}

// redisCommands are those that clients and people begin with.
var redisCommands = [...]string{
	"auth", "client", "command", "config", "dbsize", "debug", "decr", "del", "echo", "exists", "expire", "get", "hello",
	"hget", "hgetall", "hset", "incr", "info", "keys", "lpop", "lpush", "lrange", "mget", "monitor", "mset", "ping",
	"psubscribe", "psync", "publish", "quit", "replconf", "role", "rpop", "rpush", "sadd", "scan", "select", "set", "setex",
	"smembers", "subscribe", "sync", "time", "ttl", "type", "zadd", "zrange",
}

// isRedisInline sees a line that begins with a command, in any case.
func isRedisInline(first []byte) Verdict {
	const longest, maxLine = 10, 16 << 10
	word := 0
	for word < len(first) && word <= longest && isLetter(first[word]) {
		word++
	}
	if word == len(first) {
		return waitIf(redisCommand(first, true))
	}
	if c := first[word]; c != ' ' && c != '\r' && c != '\n' || !redisCommand(first[:word], false) {
		return No
	}
	end, more := lineEnd(first, maxLine)
	if end < 0 {
		return waitIf(more && printable(trimCR(first)))
	}
	if !printable(trimCR(first[:end])) {
		return No
	}
	return Yes
}

func isLetter(c byte) bool { return 'a' <= c|0x20 && c|0x20 <= 'z' }

// redisCommand tells whether word is a command, or may become one.
func redisCommand(word []byte, beginning bool) bool {
	for _, name := range redisCommands {
		if beginning && len(word) < len(name) {
			name = name[:len(word)]
		}
		if foldEqual(word, name) {
			return true
		}
	}
	return false
}

func printable(line []byte) bool {
	return bytes.IndexFunc(line, func(r rune) bool { return r < ' ' && r != '\t' }) < 0
}
