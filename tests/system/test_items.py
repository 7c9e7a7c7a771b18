"""drover-items by itself, as droverd starts it and a child asks it (src/wire/stream.h).

What must hold: whatever is in a collection all the time is given at least once, wherever the reader
stops and goes on from its cursor, in whatever process; a collection at rest gives everything once.
"""

import base64
import contextlib
import hashlib
import json
import os
import random
import socket
import subprocess
import sys
import time
import unittest
import zlib

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import processes  # noqa: E402
from rig import RedisServer, SystemTest, main, program, until  # noqa: E402

CHUNK = 256 * 1024
ANSWER_S = 60  # longer than drover-items waits for a Redis that is away


class Refused(Exception):
    """The answer was `error TEXT`."""


class Items:
    """One drover-items and the other end of its socket."""

    def __init__(self, spec):
        self.socket, theirs = socket.socketpair()
        self.socket.settimeout(ANSWER_S)
        self.socket.sendall(spec if isinstance(spec, bytes) else encode(spec))
        self.process = subprocess.Popen(
            ["/bin/sh", "-c", 'exec "$0" 3<&%d %d<&-' % (theirs.fileno(), theirs.fileno()),
             program("drover-items")], pass_fds=[theirs.fileno()])
        theirs.close()
        self.file = self.socket.makefile("rwb")

    def ask(self, question):
        self.file.write(question + b"\n")
        self.file.flush()
        line = self.file.readline()
        word, _, rest = line.rstrip(b"\n").partition(b" ")
        if word == b"error":
            raise Refused(rest.decode())
        return word, int(rest)

    def number(self, question):
        word, n = self.ask(question.encode())
        assert word.decode() == question
        return n

    def read(self, offset, length):
        word, n = self.ask(b"read %d %d" % (offset, length))
        assert word == b"bytes" and n <= length
        return self.file.read(n)

    def next(self, count=1000, cursor=b""):
        """[(cursor, item)]; empty: there are no more."""
        word, n = self.ask(b"next %d %s" % (count, cursor))
        assert word == b"items" and n <= count
        items = []
        for _ in range(n):
            cursor_length, length = map(int, self.file.readline().split())
            assert cursor_length <= 4000
            items.append((self.file.read(cursor_length), self.file.read(length)))
        return items

    def close(self):
        with contextlib.suppress(OSError):
            self.file.close()
        self.socket.close()
        return self.process.wait(ANSWER_S)


def encode(spec):
    return b"".join(b"%s=%s\0" % (k.encode(), v if isinstance(v, bytes) else str(v).encode())
                    for k, v in spec.items()) + b"\0"


class ItemsTest(SystemTest):
    def setUp(self):
        super().setUp()
        self.opened = []
        self.addCleanup(self.close_all)

    def close_all(self):
        for items in self.opened:
            items.close()

    def items(self, kind, key, **more):
        items = Items(dict({"url": self.redis.url, "kind": kind, "key": key}, **more))
        self.opened.append(items)
        return items

    def fill(self, command, key, words, at_once=1000):
        self.redis.pipeline([[command, key] + words[i:i + at_once]
                             for i in range(0, len(words), at_once)])

    def go_through(self, kind, key, chance, between=None):
        """Everything that is given. Stops anywhere, also within an answer, and goes on from the cursor
        of the item in hand: in the same process or in another one."""
        items, cursor, given = self.items(kind, key), b"", []
        while True:
            answer = items.next(chance.choice((1, 7, 100, 1000)), cursor)
            if not answer:
                self.assertEqual(items.close(), 0)
                return given
            if chance.random() < 0.5:
                answer = answer[:chance.randint(1, len(answer))]
            cursor = answer[-1][0]
            given += [item for _, item in answer]
            if chance.random() < 0.05:
                self.assertEqual(items.close(), 0)
                items = self.items(kind, key)
            if between:
                between()


class Kinds(ItemsTest):
    MEMBERS = ["m%d" % i for i in range(3000)]

    def once(self, kind, key, want, count):
        for seed in range(3):
            given = self.go_through(kind, key, random.Random(seed))
            self.assertEqual(sorted(given), sorted(want), "%s, seed %d" % (kind, seed))
        self.assertEqual(self.items(kind, key).number("count"), count)
        return given

    def test_list(self):
        want = [m.encode() for m in self.MEMBERS]
        self.fill("RPUSH", "l", self.MEMBERS)
        self.assertEqual(self.once("list", "l", want, 3000), want)

    def test_sorted_set(self):
        self.fill("ZADD", "z", [w for i, m in enumerate(self.MEMBERS) for w in (-i, m)])
        want = [m.encode() for m in self.MEMBERS]
        self.assertEqual(self.once("zset", "z", want, 3000), want[::-1])

    def test_set(self):
        self.fill("SADD", "s", self.MEMBERS)
        self.once("set", "s", [m.encode() for m in self.MEMBERS], 3000)

    def test_small_set_of_numbers(self):
        self.fill("SADD", "s", list(range(500)))
        self.once("set", "s", [b"%d" % i for i in range(500)], 500)

    def test_hash(self):
        self.fill("HSET", "h", [w for m in self.MEMBERS for w in (m, "v" + m)])
        want = [b'{"field":"%s","value":"v%s"}' % (m.encode(), m.encode()) for m in self.MEMBERS]
        self.once("hash", "h", want, 3000)

    def test_names_of_keys(self):
        self.redis.pipeline([["SET", "%s:%d" % (kind, i), ""]
                             for i in range(3000) for kind in ("user", "order")])
        want = sorted(b"user:%d" % i for i in range(3000))
        # The table of all keys may still be growing, in the background.
        until(lambda: sorted(self.go_through("scan", "user:*", random.Random(9))) == want,
              "the keys to be at rest")
        self.once("scan", "user:*", want, -1)

    def test_nothing_there(self):
        for kind in ("list", "set", "zset", "hash", "scan"):
            items = self.items(kind, "none")
            self.assertEqual(items.next(), [])
            self.assertEqual(items.number("count"), -1 if kind == "scan" else 0)

    def test_any_bytes(self):
        odd = ["", "\n", "\r\n", "a b", "\udcff\udc80", "\0", "x" * 100000]
        want = sorted(m.encode(errors="surrogateescape") for m in odd)
        for kind, command in (("list", "RPUSH"), ("set", "SADD")):
            self.fill(command, kind, odd)
            self.assertEqual(sorted(item for _, item in self.items(kind, kind).next()), want)

    def test_hash_of_any_bytes(self):
        self.fill("HSET", "h", ["\udcff\"", "v\n", "f", "\udcfe"])
        given = [json.loads(item) for _, item in self.items("hash", "h").next()]
        given.sort(key=lambda item: item["value"])
        self.assertEqual(given, [
            {"field": "\ufffd\"", "value": "v\n",
             "field_base64": base64.b64encode(b"\xff\"").decode()},
            {"field": "f", "value": "\ufffd", "value_base64": "/g=="}])

    def test_large_members_come_in_smaller_answers(self):
        self.fill("RPUSH", "l", ["%04d" % i + "x" * 200000 for i in range(120)], at_once=20)
        items, cursor, seen, answers = self.items("list", "l"), b"", [], []
        while answer := items.next(1000, cursor):
            cursor = answer[-1][0]
            seen += [int(item[:4]) for _, item in answer]
            answers.append(len(answer))
        self.assertEqual(seen, list(range(120)))
        self.assertLess(max(answers), 40)


class Changing(ItemsTest):
    """What is there from beginning to end is never left out, whatever comes and goes beside it."""

    def changed(self, kind, add, remove, seeds):
        stable = {"stable%d" % i for i in range(600)}
        repeated = 0
        for seed in seeds:
            chance, live, made = random.Random(seed), [], [0]
            self.redis.call("FLUSHALL")
            add(sorted(stable))

            def between():
                step = chance.choice((0, 0, 0, 1, 2, 3, 4))
                if step == 1:  # one more table, perhaps
                    more = ["x%d" % (made[0] + i) for i in range(chance.choice((10, 3000)))]
                    made[0] += len(more)
                    live.extend(more)
                    add(more)
                elif step == 2 and live:  # nearly all go: it shrinks
                    keep = chance.choice((0, len(live) // 2))
                    remove(live[keep:])
                    del live[keep:]
                elif step == 3:  # rehashing goes on with whatever touches it
                    remove(["none"])

            given = self.go_through(kind, "k" if kind != "scan" else "*", chance, between)
            names = [json.loads(item)["field"] if kind == "hash" else item.decode()
                     for item in given]
            self.assertEqual(stable - set(names), set(), "%s, seed %d" % (kind, seed))
            repeated += sum(name in stable for name in names) - len(stable)
        print("figure: %s: %d of %d members came again in %d passes over what changes"
              % (kind, repeated, len(stable) * len(seeds), len(seeds)))

    def test_set(self):
        self.changed("set", lambda m: self.fill("SADD", "k", m),
                     lambda m: self.fill("SREM", "k", m), range(12))

    def test_hash(self):
        self.changed("hash", lambda m: self.fill("HSET", "k", [w for x in m for w in (x, "v")]),
                     lambda m: self.fill("HDEL", "k", m), range(12))

    def test_names_of_keys(self):
        self.changed("scan", lambda m: self.redis.pipeline([["SET", x, ""] for x in m]),
                     lambda m: self.redis.pipeline([["DEL"] + m]), range(6))


class Uploads(ItemsTest):
    ID = "0123456789abcdef01234567"

    def upload(self, data, **more):
        key = "resque:drover:csv:" + self.ID
        chunks = [data[i:i + CHUNK] for i in range(0, len(data), CHUNK)]
        for i, chunk in enumerate(chunks):
            packed = zlib.compress(chunk).decode(errors="surrogateescape")
            self.redis.call("SET", "%s:%d" % (key, i), packed, "PX", 600000)
        about = dict({"bytes": len(data), "chunk_bytes": CHUNK, "chunks": len(chunks),
                      "name": "f.csv", "sha1": hashlib.sha1(data).hexdigest()}, **more)
        self.redis.call("HSET", key, *[w for pair in about.items() for w in pair])
        self.redis.call("PEXPIRE", key, 600000)
        return self.items("csv", self.ID, prefix="resque:")

    def test_reads_anywhere(self):
        chance = random.Random(4)
        data = b"".join(b"%d,%d\n" % (i, chance.getrandbits(60)) for i in range(60000))
        items = self.upload(data)
        self.assertEqual(items.number("size"), len(data))
        for _ in range(200):
            offset, length = chance.randint(0, len(data) + 10), chance.randint(1, CHUNK)
            self.assertEqual(items.read(offset, length), data[offset:offset + length])
        self.assertEqual(items.read(len(data), 1), b"")
        self.assertEqual(items.read(2 ** 63 - 1, CHUNK), b"")
        whole = b""
        while part := items.read(len(whole), 100003):
            whole += part
        self.assertEqual(whole, data)

    def test_empty_file(self):
        items = self.upload(b"")
        self.assertEqual(items.number("size"), 0)
        self.assertEqual(items.read(0, 10), b"")

    def gone(self, items, question):
        with self.assertRaisesRegex(Refused, "uploaded file is gone"):
            items.ask(question)

    def test_gone(self):
        self.gone(self.items("csv", self.ID, prefix="resque:"), b"size")
        self.gone(self.items("csv", "../passwd", prefix="resque:"), b"read 0 1")
        items = self.upload(os.urandom(3 * CHUNK))
        self.assertEqual(len(items.read(0, 10)), 10)
        self.redis.call("DEL", "resque:drover:csv:%s:1" % self.ID)
        self.gone(items, b"read %d 1" % CHUNK)
        self.assertEqual(len(items.read(2 * CHUNK, 10)), 10)
        self.redis.call("PEXPIRE", "resque:drover:csv:%s:0" % self.ID, 1)
        until(lambda: not self.redis.call("EXISTS", "resque:drover:csv:%s:0" % self.ID), "its end")
        self.gone(items, b"read 0 1")

    def test_damaged(self):
        for more in ({"chunks": 7}, {"bytes": -1}, {"chunk_bytes": 0}, {"chunk_bytes": 2 ** 40}):
            with self.assertRaisesRegex(Refused, "make no sense"):
                self.upload(b"abc", **more).number("size")
        items = self.upload(b"abc")
        self.redis.call("SET", "resque:drover:csv:%s:0" % self.ID, "junk", "PX", 600000)
        with self.assertRaisesRegex(Refused, "chunk 0 of the uploaded file is damaged"):
            items.read(0, 1)

    def test_cannot_be_asked_for_members(self):
        with self.assertRaisesRegex(Refused, "a csv, cannot be asked"):
            self.upload(b"abc").next()


class Trouble(ItemsTest):
    redis_options = {"appendonly": "yes"}

    def test_wrong_type(self):
        self.redis.call("SET", "k", "text")
        for kind in ("list", "set", "zset", "hash"):
            items = self.items(kind, "k")
            for question in (b"next 1 ", b"count"):
                with self.assertRaisesRegex(Refused, "the key holds something of another type"):
                    items.ask(question)

    def test_questions_that_are_none(self):
        self.fill("RPUSH", "l", ["a"])
        items = self.items("list", "l")
        for question in (b"", b"next", b"next 0 ", b"next 1001 ", b"read 0 1", b"size", b"\xff",
                         b"next 1 x", b"next 1 -1", b"next 1 0 0 0 0"):
            with self.assertRaises(Refused, msg=question):
                items.ask(question)
        with self.assertRaisesRegex(Refused, "none of this collection's"):
            self.items("set", "s").ask(b"next 1 0")
        self.assertEqual(items.next(), [(b"0", b"a")])
        with self.assertRaisesRegex(Refused, "longer than"):
            items.ask(b"next 1 " + b"9" * 5000)
        self.assertEqual(items.process.wait(ANSWER_S), 1)

    def test_what_to_serve_makes_no_sense(self):
        for spec in (b"\0", b"url\0\0", encode({"url": "ftp://x", "kind": "set", "key": "k"}),
                     encode({"url": self.redis.url, "kind": "tree", "key": "k"})):
            items = Items(spec)
            self.opened.append(items)
            for _ in range(2):
                with self.assertRaises(Refused):
                    items.ask(b"count")

    def test_redis_is_killed_in_the_middle(self):
        """A set is in another order then, and what its cursors name is elsewhere."""
        members = ["m%d" % i for i in range(1500)]
        self.fill("SADD", "set", members)
        self.fill("RPUSH", "list", members)
        for kind, again in (("set", True), ("set", False), ("list", False)):
            items, cursor, seen, answers = self.items(kind, kind), b"", [], 0
            while answer := items.next(50, cursor):
                cursor = answer[-1][0]
                seen += [item.decode() for _, item in answer]
                answers += 1
                if answers in (5, 12):
                    self.redis.kill()
                    self.redis.start()
                    if again:
                        items = self.items(kind, kind)
            self.assertEqual(set(seen), set(members), kind)
            if kind == "list":
                self.assertEqual(seen, members)

    def test_small_set_is_not_begun_anew(self):
        members = [str(i) for i in range(400)]
        self.fill("SADD", "s", members)
        items, cursor, seen = self.items("set", "s"), b"", []
        while answer := items.next(50, cursor):
            cursor = answer[-1][0]
            seen += [item.decode() for _, item in answer]
            if len(seen) == 200:
                self.redis.kill()
                self.redis.start()
                items = self.items("set", "s")
        self.assertEqual(sorted(seen), sorted(members))

    def test_who_may_not_ask_which_server_it_is(self):
        self.redis.call("ACL", "SETUSER", "me", "on", ">x", "~*", "+@all", "-info")
        self.fill("SADD", "s", ["m%d" % i for i in range(1500)])
        items, cursor, seen = self.items("set", "s", username="me", password="x"), b"", []
        while answer := items.next(1000, cursor):
            cursor = answer[-1][0]
            seen += answer
        self.assertEqual(len(seen), 1500)

    def test_redis_comes_back_while_it_is_asked(self):
        self.fill("RPUSH", "l", ["a", "b"])
        items = self.items("list", "l")
        self.assertEqual(items.next(1), [(b"0", b"a")])
        self.redis.kill()
        items.file.write(b"next 1 0\n")
        items.file.flush()
        until(lambda: processes.stat_fields(items.process.pid)[0] == b"S", "it to wait for Redis")
        self.redis.start()
        self.assertEqual([items.file.readline() for _ in range(2)], [b"items 1\n", b"1 1\n"])
        self.assertEqual(items.file.read(2), b"1b")

    def test_redis_stalls(self):
        self.fill("RPUSH", "l", ["a"])
        items = self.items("list", "l", command_timeout_ms=100, connect_timeout_ms=100)
        self.assertEqual(items.number("count"), 1)
        self.redis.pause()
        items.file.write(b"count\n")
        items.file.flush()
        pid = items.process.pid
        sockets = self.sockets(pid)
        until(lambda: self.sockets(pid) != sockets, "it to give the connection up")
        self.redis.go_on()
        self.assertEqual(items.file.readline(), b"count 1\n")

    @staticmethod
    def sockets(pid):
        links = []
        for name in os.listdir("/proc/%d/fd" % pid):
            with contextlib.suppress(OSError):
                links.append(os.readlink("/proc/%d/fd/%s" % (pid, name)))
        return sorted(link for link in links if link.startswith("socket:"))

    def test_refused_password_is_said_at_once(self):
        began = time.monotonic()
        with self.assertRaisesRegex(Refused, "WRONGPASS"):
            self.items("list", "l", username="me", password="wrong").number("count")
        self.assertLess(time.monotonic() - began, 15)  # and not after all its patience

    def test_password_is_nowhere_to_be_seen(self):
        secret = "s3cret=\xe4\n"
        self.redis.call("ACL", "SETUSER", "me", "on", ">" + secret, "~*", "+@all")
        self.fill("RPUSH", "l", ["a"])
        items = self.items("list", "l", username="me", password=secret)
        self.assertEqual(items.number("count"), 1)
        self.assertIn("user=me", self.redis.call("CLIENT", "LIST"))
        pid = items.process.pid
        for name in ("cmdline", "environ"):
            text = processes.read_proc(pid, name)
            self.assertNotIn(b"s3cret", text)
            self.assertNotIn(self.folder.encode() + b"/redis.sock", text)

    def test_ends_with_its_socket_and_with_its_parent(self):
        items = self.items("list", "l")
        self.assertEqual(items.number("count"), 0)
        self.assertEqual(items.close(), 0)
        ours, theirs = socket.socketpair()
        parent = subprocess.Popen(
            [sys.executable, "-c", "import os, subprocess, sys; os.dup2(%d, 3); p = "
             "subprocess.Popen([sys.argv[1]], pass_fds=[3]); print(p.pid, flush=True); p.wait()"
             % theirs.fileno(), program("drover-items")],
            pass_fds=[theirs.fileno()], stdout=subprocess.PIPE)
        pid = int(parent.stdout.readline())
        ours.sendall(encode({"url": self.redis.url, "kind": "list", "key": "l"}) + b"count\n")
        self.assertEqual(ours.recv(100), b"count 0\n")
        parent.kill()
        parent.wait()
        parent.stdout.close()
        until(lambda: not processes.alive(pid), "drover-items to end with its parent")
        ours.close()
        theirs.close()


if __name__ == "__main__":
    main()
