"""What clients of resque-scheduler left in Redis, as recorded, and what its own process made of it."""

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
from rig import SystemTest, main, sh  # noqa: E402
import vectors  # noqa: E402

FAR = 1893456000  # 2030: not due


class Vectors(SystemTest):
    conserves = False  # the jobs are the recording's, and nobody runs them here

    def restore(self, keyspace):
        write = {"list": lambda key, v: ("RPUSH", key, *v), "set": lambda key, v: ("SADD", key, *v),
                 "zset": lambda key, v: ("ZADD", key, *[w for m, s in v for w in (s, m)]),
                 "string": lambda key, v: ("SET", key, v),
                 "hash": lambda key, v: ("HSET", key, *[w for pair in v for w in pair])}
        for entry in keyspace:
            self.redis.call(*write[entry["type"]](entry["key"], entry["value"]))

    def read_all(self):
        """All but what is ours, in the form of a recording."""
        read = {"list": lambda key: self.redis.call("LRANGE", key, 0, -1),
                "set": lambda key: sorted(self.redis.call("SMEMBERS", key)),
                "string": lambda key: self.redis.call("GET", key),
                "hash": lambda key: sorted(map(list, zip(*[iter(self.redis.call("HGETALL", key))] * 2))),
                "zset": lambda key: [[m, int(s)] for m, s in
                                     zip(*[iter(self.redis.call("ZRANGE", key, 0, -1, "WITHSCORES"))] * 2)]}
        found = []
        for key in self.redis.keys("resque:*"):
            if key.startswith(("resque:drover:", "resque:worker", "resque:pruning", "resque:stat")):
                continue
            kind = self.redis.call("TYPE", key)
            found.append({"key": key, "type": kind, "value": read[kind](key)})
        return found

    def idle(self):
        """A supervisor that takes from a queue of its own, and what it makes of time."""
        drover = self.drover({"Note": self.note()}, pools={"main": {"workers": 1, "queues": ["ours"]}})
        self.redis.call("RPUSH", "resque:queue:ours", '{"class":"Note","args":[]}')
        self.until_processed(1)
        return drover

    def known(self, keyspace):
        return [{k: v for k, v in entry.items() if k != "ttl"} for entry in keyspace]

    def settle(self, want):
        self.until(lambda: self.read_all() == want, "the keys to be as recorded")

    def test_what_its_process_does_we_do(self):
        for name in ("77", "d5"):
            with self.subTest(name):
                self.redis.call("FLUSHALL")
                recording = vectors.vector(name)
                self.restore(recording["before"])
                drover = self.idle()
                self.settle(self.known(recording["after"]))
                self.assertEqual(drover.term(), 0)

    def test_its_master_is_left_alone(self):
        recording = vectors.vector("78")
        self.restore(recording["before"])
        self.idle()
        self.redis.call("HSET", "resque:drover:delayed:jobs", "x", 'delayed 4 ours {"class":"Note","args":[2]}')
        self.redis.call("ZADD", "resque:drover:delayed", 1, "x")
        self.until(lambda: self.noted() == [[], [2]], "a tick that promotes ours")
        theirs = [entry for entry in self.read_all() if entry["key"] != "resque:queues"]
        self.assertEqual(theirs, self.known(recording["after"]))

    def test_what_clients_delayed_waits_and_comes(self):
        for name, promoted in (("70", []), ("d4", []), ("71", ["default"]), ("91", ["mailers", "urgent"])):
            with self.subTest(name):
                self.redis.call("FLUSHALL")
                recording = self.known(vectors.vector(name)["after"])
                self.restore(recording)
                drover = self.idle()
                self.until(lambda: self.redis.call("ZRANGEBYSCORE", "resque:delayed_queue_schedule", "-inf", FAR - 1) == [],
                           "what is due to go")
                far = [e for e in recording if e["key"].startswith("resque:delayed:%d" % FAR)]
                self.assertEqual([e for e in self.read_all() if e["key"].startswith("resque:delayed:%d" % FAR)], far)
                self.assertEqual(sorted(self.redis.call("SMEMBERS", "resque:queues")), promoted)
                self.assertEqual(drover.term(), 0)

    def test_clients_and_pages_find_what_they_found(self):
        """Looking, taking out, enqueueing at once: each command as recorded, with droverd beside."""
        for name in ("72", "73", "74", "75", "76", "e6"):
            with self.subTest(name):
                self.redis.call("FLUSHALL")
                drover = self.idle()
                self.redis.call("SREM", "resque:queues", "ours")
                recording = vectors.vector(name)
                self.restore(recording.get("before", []))
                for command in recording["commands"]:
                    if command["from"] != "lua":
                        self.redis.call(*map(vectors.text, command["argv"]))
                self.assertEqual(self.read_all(), self.known(recording.get("after", [])))
                self.assertEqual(drover.term(), 0)

    def test_the_bytes_of_an_active_job(self):
        item = vectors.vector("91")["after"][0]["value"][0]
        self.restore(vectors.vector("91")["after"])
        self.drover({"Other": sh("true")}, pools={"main": {"workers": 1, "queues": ["ours"]}})
        self.until(lambda: self.size("mailers") == 1, "the job to come")
        self.assertEqual(self.redis.call("LINDEX", "resque:queue:mailers", 0),
                         item.replace(',"queue":"mailers"}', "}"))


if __name__ == "__main__":
    main()
