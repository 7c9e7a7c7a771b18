"""resp: a small Redis client for the tests, one connection, one call at a time.

Text comes back as str with bytes that are no UTF-8 kept (surrogateescape), so that a payload read
here compares equal to what was pushed.
"""

import socket


class RedisError(Exception):
    """The server answered with an error."""


class RespClient:
    def __init__(self, address, timeout=10):
        """`address` is the path of a unix socket, or (host, port)."""
        family = socket.AF_UNIX if isinstance(address, str) else socket.AF_INET
        self.socket = socket.socket(family, socket.SOCK_STREAM)
        self.socket.settimeout(timeout)
        try:
            self.socket.connect(address)
        except OSError:
            self.socket.close()
            raise
        self.reader = self.socket.makefile("rb")

    def close(self):
        self.reader.close()
        self.socket.close()

    def call(self, *words):
        self.send(words)
        return self.read()

    def pipeline(self, commands):
        """Many commands in one write; their answers in order."""
        self.socket.sendall(b"".join(encode(words) for words in commands))
        return [self.read() for _ in commands]

    def send(self, words):
        self.socket.sendall(encode(words))

    def read(self):
        line = self.reader.readline()
        if not line.endswith(b"\r\n"):
            raise ConnectionError("redis closed the connection")
        kind, rest = line[:1], line[1:-2]
        if kind == b"+":
            return decode(rest)
        if kind == b"-":
            raise RedisError(decode(rest))
        if kind == b":":
            return int(rest)
        if kind == b"$":
            return self.read_bulk(int(rest))
        if kind == b"*":
            return None if rest == b"-1" else [self.read() for _ in range(int(rest))]
        raise ConnectionError("not an answer of redis: %r" % line)

    def read_bulk(self, size):
        if size < 0:
            return None
        return decode(self.reader.read(size + 2)[:-2])


def decode(data):
    return data.decode("utf-8", "surrogateescape")


def encode_word(word):
    if isinstance(word, bytes):
        return word
    return str(word).encode("utf-8", "surrogateescape")


def encode(words):
    out = [b"*%d\r\n" % len(words)]
    for word in map(encode_word, words):
        out.append(b"$%d\r\n%s\r\n" % (len(word), word))
    return b"".join(out)
