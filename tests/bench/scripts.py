"""scripts: the floor of `reuse`: droverd's own fetch.lua and finish.lua, called as it calls them.

All calls are put into bytes before the clock runs (script_bytes.c, by droverd's own code); what is
left for this client is to write them and to throw the answers away, so that redis-server is the
one who is busy. Its share of a core is told with the figure.
"""

import select
import subprocess
import time

import stage
from embedded import script
from resp import RespClient, encode
from rig import payload, program

PREFIX = "floor:"
LEASE = "bench:1:floor"
AHEAD = 256 * 1024  # bytes written at once
END = b"floor-ends-here"


def load(client, name):
    return client.call("SCRIPT", "LOAD", script(name))


def exchange(sock, data):
    """Writes all and reads until the answer to the last call; neither waits for the other."""
    view, sent, tail = memoryview(data), 0, b""
    sock.setblocking(False)
    while not tail.endswith(END + b"\r\n"):
        want = [sock] if sent < len(view) else []
        readable, writable, _ = select.select([sock], want, [], 30)
        if not readable and not writable:
            raise TimeoutError("redis-server does not answer")
        if writable:
            sent += sock.send(view[sent:sent + AHEAD])
        if readable:
            got = sock.recv(1 << 20)
            if not got:
                raise ConnectionError("redis closed the connection")
            tail = (tail + got)[-64:]
    sock.setblocking(True)


class ScriptsFloor:
    """`rate` jobs a second by the scripts alone; `busy`: redis-server's share of a core."""

    def __init__(self, redis, jobs, batch):
        client = RespClient(redis.address)
        rounds = jobs // batch
        self.jobs = rounds * batch
        self.prepare(redis)
        words = [program("bench/script_bytes"), PREFIX, LEASE, str(rounds), str(batch),
                 load(client, "fetch"), load(client, "finish")]
        data = subprocess.run(words, check=True, stdout=subprocess.PIPE).stdout
        data += encode(["ECHO", END])
        pid = redis.process.pid
        cpu_us, own_s = stage.cpu_us(pid), time.process_time()
        started, before = time.monotonic(), sum(stage.machine_us())
        exchange(client.socket, data)
        took_us = (time.monotonic() - started) * 1e6
        cpu_us, own_us = stage.cpu_us(pid) - cpu_us, (time.process_time() - own_s) * 1e6
        self.foreign = stage.share_of_others(
            sum(stage.machine_us()) - before, cpu_us + own_us, took_us)
        client.close()
        self.check(redis)
        self.rate = self.jobs * 1e6 / took_us
        self.busy = cpu_us / took_us
        self.us_each = cpu_us / self.jobs

    def prepare(self, redis):
        for key in redis.keys(PREFIX + "*"):
            redis.call("DEL", key)
        redis.call("ZADD", PREFIX + "drover:supervisors", int(time.time() * 1000) + 3600000, LEASE)
        words = [payload("Noop", 42)] * 1000
        for first in range(0, self.jobs, 1000):
            redis.call("RPUSH", PREFIX + "queue:bench", *words[:self.jobs - first])

    def check(self, redis):
        done = int(redis.call("GET", PREFIX + "stat:processed") or 0)
        if done != self.jobs:
            raise AssertionError("the scripts did %d of %d jobs" % (done, self.jobs))
