"""proxy: stands between droverd and its redis-server and spoils what passes, on purpose.

    proxy = Proxy(redis.address, listen=self.path("proxy.sock"))   # or listen=("127.0.0.1", 0)
    proxy.url                      for droverd; .address for a client of the test
    proxy.delay(30, spread_ms=20)  every byte 30 to 50 ms later
    proxy.drop()                   swallows silently: half open. A link that lost a byte stays so
    proxy.drop(new=False)          the same, but connections made from now on pass
    proxy.hold() / proxy.heal()    keeps what comes / lets it go on: a network that stalls
    proxy.cut(7)                   after 7 more bytes a link is closed, in the middle of an answer
    proxy.cut_answer(b"beat", 3)   the next request that holds these bytes: 3 bytes of its answer
    proxy.half_close(TO_SERVER)    that side hears the end of the stream, the other way still passes
    proxy.close_all()              every connection that stands, now
    proxy.refuse() / .accept()     new connections are refused / let in again
    proxy.mischief()               one of these by chance; says which. Proxy(seed=...) repeats it
    proxy.close()

`way` is TO_SERVER, TO_CLIENT or BOTH. heal() ends delay, drop, hold and the cuts that have not
come yet. Faults count: proxy.links (made so far), proxy.cuts. One thread turns a selector and alone
touches the sockets; a call from the test is carried out in it before it returns. Bytes are opaque
(TLS passes) but for cut_answer, which reads RESP2.
"""

import collections
import contextlib
import os
import queue
import random
import selectors
import socket
import threading
import time

TO_SERVER, TO_CLIENT = "to_server", "to_client"
BOTH = (TO_SERVER, TO_CLIENT)
CHUNK = 65536


def ways_of(way):
    return (way,) if isinstance(way, str) else way


def frame_end(data, at=0):
    """Where the RESP2 value that begins at `at` ends; None where more bytes are needed."""
    line = data.find(b"\r\n", at)
    if line < 0:
        return None
    kind, end = data[at:at + 1], line + 2
    if kind == b"$":
        size = int(data[at + 1:line])
        end += size + 2 if size >= 0 else 0
        return end if end <= len(data) else None
    if kind == b"*":
        for _ in range(int(data[at + 1:line])):
            end = frame_end(data, end)
            if end is None:
                return None
    elif kind not in (b"+", b"-", b":"):
        raise ValueError("no RESP2")
    return end


class Frames:
    """Counts whole values in a stream; .tail is the one that has begun."""

    def __init__(self):
        self.tail, self.whole, self.opaque = b"", 0, False

    def feed(self, data):
        """The values that are whole now."""
        out = []
        self.tail += data
        try:
            while not self.opaque and self.tail:
                end = frame_end(self.tail)
                if end is None:
                    break
                out.append(self.tail[:end])
                self.tail = self.tail[end:]
                self.whole += 1
        except ValueError:
            self.opaque = True
        if self.opaque:
            self.tail = b""
        return out


class Pipe:
    """One direction of one link."""

    def __init__(self, link, way, source, sink):
        self.link, self.way, self.source, self.sink = link, way, source, sink
        self.waiting = collections.deque()  # (due, bytes); empty bytes: the end of the stream
        self.out = b""
        self.swallows = False
        self.over = False  # the source has said all
        self.ended = False  # the sink was told so
        self.frames = Frames()

    def take(self, data):
        """What came from the source, the end too."""
        if self.link.doomed:
            return
        self.over = not data
        if data and self.way == TO_SERVER:
            self.link.look_for_words(data)
        elif data:
            data = self.link.shorten_answer(data)
        data = self.shorten(data)
        if self.swallows:
            return
        self.waiting.append((time.monotonic() + self.link.proxy.delay_of(self.way), data))

    def shorten(self, data):
        """Ends the link where a cut is due."""
        left = self.link.proxy.cut_after.get(self.way)
        if left is None or not data:
            return data
        self.link.proxy.cut_after[self.way] = left - len(data)
        if len(data) >= left:
            del self.link.proxy.cut_after[self.way]
            self.link.doomed = True
        return data[:left]

    def due(self):
        """Seconds until something can be written; None where nothing waits."""
        if self.out or not self.waiting or self.way in self.link.proxy.held:
            return None
        return max(self.waiting[0][0] - time.monotonic(), 0)

    def write(self):
        while self.due() == 0 and not self.ended:
            _, data = self.waiting.popleft()
            if not data:
                self.end()
            self.out = data
            self.flush()

    def flush(self):
        with contextlib.suppress(BlockingIOError):
            while self.out:
                self.out = self.out[self.sink.send(self.out):]

    def end(self):
        if not self.ended:
            self.ended = True
            with contextlib.suppress(OSError):
                self.sink.shutdown(socket.SHUT_WR)


class Link:
    """A client and the server's connection that was made for it."""

    def __init__(self, proxy, client, server):
        self.proxy, self.client, self.server = proxy, client, server
        self.pipes = {TO_SERVER: Pipe(self, TO_SERVER, client, server),
                      TO_CLIENT: Pipe(self, TO_CLIENT, server, client)}
        self.marked = {}  # number of a request -> bytes of its answer that may pass
        self.doomed = False

    def look_for_words(self, data):
        frames = self.pipes[TO_SERVER].frames
        number = frames.whole
        for request in frames.feed(data):
            for word, rule in self.proxy.words.items():
                if word in request and rule[1] > 0:
                    rule[1] -= 1
                    self.marked[number] = rule[0]
            number += 1

    def shorten_answer(self, data):
        frames = self.pipes[TO_CLIENT].frames
        begun, first = len(frames.tail), frames.whole
        whole = frames.feed(data)
        passed = -begun  # bytes of `data` before the answer looked at
        for number, answer in enumerate(whole + [frames.tail], first):
            most = self.marked.get(number)
            if most is not None and number < frames.whole:
                most = min(most, len(answer) - 1)
            if most is not None and len(answer) >= max(most, 1):
                self.doomed = True
                return data[:max(passed + most, 0)]
            passed += len(answer)
        return data

    def close(self):
        for end in (self.client, self.server):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()


class Proxy:
    def __init__(self, behind, listen=("127.0.0.1", 0), seed=0):
        self.behind, self.address = behind, listen
        self.random = random.Random(seed)
        self.links = self.cuts = 0
        self.standing = []
        self.reset_faults()
        self.new_links_drop = set()
        self.orders = queue.Queue()
        self.selector = selectors.DefaultSelector()
        self.bell, self.rope = socket.socketpair()
        self.selector.register(self.bell, selectors.EVENT_READ, "bell")
        self.listener = None
        self.open_listener()
        self.going = True
        self.thread = threading.Thread(target=self.turn, daemon=True)
        self.thread.start()

    @property
    def url(self):
        if isinstance(self.address, str):
            return "unix://%s?db=0" % self.address
        return "redis://%s:%d/0" % self.address

    # -- what a test asks for --------------------------------------------------------------------
    def delay(self, ms, way=BOTH, spread_ms=0):
        self.order(lambda: self.delays.update((w, (ms, spread_ms)) for w in ways_of(way)))

    def drop(self, way=BOTH, new=True):
        def act():
            for link in self.standing:
                for name in ways_of(way):
                    link.pipes[name].swallows = True
                    link.pipes[name].waiting.clear()
            self.new_links_drop.update(ways_of(way) if new else ())
        self.order(act)

    def hold(self, way=BOTH):
        self.order(lambda: self.held.update(ways_of(way)))

    def heal(self):
        self.order(self.reset_faults)

    def cut(self, after, way=TO_CLIENT):
        self.order(lambda: self.cut_after.update((w, after) for w in ways_of(way)))

    def cut_answer(self, word, after=3, times=1):
        self.order(lambda: self.words.update({word: [after, times]}))

    def half_close(self, way):
        def act():
            for link in self.standing:
                for name in ways_of(way):
                    link.pipes[name].end()
        self.order(act)

    def close_all(self):
        def act():
            for link in list(self.standing):
                self.end_link(link)
        self.order(act)

    def refuse(self):
        self.order(self.close_listener)

    def accept(self):
        self.order(self.open_listener)

    def mischief(self):
        """One fault by chance, from the seed; returns its name and what was drawn."""
        name = self.random.choice(("cut", "close_all", "half_close", "drop", "delay", "heal"))
        drawn = {
            "cut": lambda: (self.random.randrange(1, 4000), self.random.choice(BOTH)),
            "half_close": lambda: (self.random.choice(BOTH),),
            "drop": lambda: (self.random.choice(BOTH), False),
            "delay": lambda: (self.random.randrange(1, 30), self.random.choice(BOTH)),
        }.get(name, tuple)()
        getattr(self, name)(*drawn)
        return name + repr(drawn)

    def close(self):
        if self.going:
            self.order(self.end)
            self.thread.join()

    # -- in the thread ---------------------------------------------------------------------------
    def order(self, act):
        """Lets the thread carry it out, and waits for that."""
        done = threading.Event()
        self.orders.put((act, done))
        self.rope.send(b"x")
        done.wait()

    def reset_faults(self):
        self.delays, self.held, self.cut_after, self.words = {}, set(), {}, {}
        self.new_links_drop = set()

    def delay_of(self, way):
        ms, spread = self.delays.get(way, (0, 0))
        return (ms + self.random.random() * spread) / 1000

    def open_listener(self):
        if self.listener is not None:
            return
        unix = isinstance(self.address, str)
        self.listener = socket.socket(socket.AF_UNIX if unix else socket.AF_INET)
        if unix:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(self.address)
        else:
            self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.listener.bind(self.address)
        self.listener.listen(64)
        self.listener.setblocking(False)
        self.address = self.listener.getsockname()
        self.selector.register(self.listener, selectors.EVENT_READ, "listener")

    def close_listener(self):
        if self.listener is not None:
            self.selector.unregister(self.listener)
            self.listener.close()
            self.listener = None

    def end(self):
        self.close_listener()
        for link in list(self.standing):
            self.end_link(link)
        self.going = False

    def end_link(self, link):
        if link in self.standing:
            self.standing.remove(link)
            for end in (link.client, link.server):
                with contextlib.suppress(KeyError):
                    self.selector.unregister(end)
            link.close()

    def let_in(self):
        with contextlib.suppress(BlockingIOError):
            client, _ = self.listener.accept()
            server = socket.socket(socket.AF_UNIX if isinstance(self.behind, str)
                                   else socket.AF_INET)
            try:
                server.connect(self.behind)
            except OSError:
                client.close()
                server.close()
                return
            self.links += 1
            link = Link(self, client, server)
            for way in self.new_links_drop:
                link.pipes[way].swallows = True
            self.standing.append(link)
            for end in (client, server):
                end.setblocking(False)
                if end.family == socket.AF_INET:
                    end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def come(self, link, end, events):
        into = link.pipes[TO_SERVER if end is link.client else TO_CLIENT]
        out_of = link.pipes[TO_CLIENT if end is link.client else TO_SERVER]
        try:
            if events & selectors.EVENT_READ:
                into.take(end.recv(CHUNK))
            if events & selectors.EVENT_WRITE:
                out_of.flush()
        except BlockingIOError:
            pass
        except OSError:
            self.end_link(link)

    def watch(self, link):
        """Reads until the end of a stream; hears of room where something could not be written."""
        for pipe in link.pipes.values():
            back = link.pipes[TO_CLIENT if pipe.way == TO_SERVER else TO_SERVER]
            wanted = 0 if pipe.over else selectors.EVENT_READ
            wanted |= selectors.EVENT_WRITE if back.out else 0
            known = self.selector.get_map().get(pipe.source)
            if known is not None and known.events != wanted:
                self.selector.unregister(pipe.source)
            if wanted and (known is None or known.events != wanted):
                self.selector.register(pipe.source, wanted, link)

    def serve(self, link):
        """Writes what is due, ends what is over."""
        try:
            for pipe in link.pipes.values():
                pipe.write()
            self.watch(link)
        except OSError:
            self.end_link(link)
            return
        pipes = link.pipes.values()
        idle = not any(pipe.waiting or pipe.out for pipe in pipes)
        if link.doomed and idle:
            self.cuts += 1
            self.end_link(link)
        elif all(pipe.ended for pipe in pipes) and idle:
            self.end_link(link)

    def next_due(self):
        times = [t for link in self.standing for pipe in link.pipes.values()
                 if (t := pipe.due()) is not None]
        return min(times, default=None)

    def turn(self):
        while self.going:
            for key, events in self.selector.select(self.next_due()):
                if key.data == "bell":
                    self.bell.recv(CHUNK)
                elif key.data == "listener":
                    self.let_in()
                elif key.data in self.standing:
                    self.come(key.data, key.fileobj, events)
            while not self.orders.empty():
                act, done = self.orders.get()
                act()
                done.set()
            for link in list(self.standing):
                self.serve(link)
        self.selector.close()
        self.bell.close()
        self.rope.close()
