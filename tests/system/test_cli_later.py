"""drover: jobs for later, request ids, unique ones, schedules, and how safe they are."""

import json
import os
import sys
import threading

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
from cli import Cutting, LaterTest  # noqa: E402
from rig import RedisServer, command, free_port, main, payload  # noqa: E402


class Delayed(LaterTest):
    def test_in_by_the_clock_of_redis(self):
        before = self.now()
        jid = self.ok("enqueue", "low", "Mail", "a", "--in", "10m").strip()
        self.assertTrue(before + 600000 <= self.due(jid) <= self.now() + 600000)
        text = self.redis.call("HGET", "resque:drover:delayed:jobs", jid)
        self.assertTrue(text.startswith('delayed 3 low {"class":"Mail","args":["a"],'), text)
        job = json.loads(text.split(" ", 3)[3])
        self.assertEqual((job["jid"], job["drover"]), (jid, {"origin": "delayed"}))
        self.assertEqual(self.redis.keys(), ["resque:drover:delayed", "resque:drover:delayed:jobs"])

    def test_at(self):
        for text, due in (("2040-01-02T03:04:05.678Z", 2209086245678), ("2209086245", 2209086245000),
                          ("2040-01-02T05:04:05+02:00", 2209086245000)):
            with self.subTest(text=text):
                answer = self.ask("enqueue", "low", "Mail", "--at", text)
                self.assertEqual((answer["state"], self.due(answer["jid"])), ("delayed", due))

    def test_a_time_that_is_over_is_now(self):
        for words in (("--at", "0"), ("--at", "2001-01-01T00:00:00Z"), ("--in", "0s")):
            answer = self.ask("enqueue", "low", "Mail", *words)
            self.assertEqual((answer["state"], answer["at"]), ("queued", None))
        self.assertEqual(len(self.queue("low")), 3)

    def test_listed_by_time_with_those_of_resque_scheduler(self):
        late = self.ask("enqueue", "low", "Late", "--in", "2h")["jid"]
        soon = self.ask("enqueue", "low", "Soon", "1", "--in", "1h")["jid"]
        second = str(self.now() // 1000 + 5400)
        item = '{"class":"Archive","args":[1],"queue":"default"}'
        for _ in range(2):
            self.redis.call("RPUSH", "resque:delayed:" + second, item)
        self.redis.call("SADD", "resque:timestamps:" + item, "delayed:" + second)
        self.redis.call("ZADD", "resque:delayed_queue_schedule", second, second)
        listed = self.ask("delayed")
        self.assertEqual([(d["class"], d["queue"], d["jid"], d["why"]) for d in listed],
                         [("Soon", "low", soon, "delayed")]
                         + 2 * [("Archive", "default", None, "resque-scheduler")]
                         + [("Late", "low", late, "delayed")])
        self.assertEqual(list(listed[0]), ["at", "jid", "class", "queue", "args", "why", "id", "raw"])
        self.assertEqual(len(self.ask("delayed", "--limit", "2")), 2)
        self.assertIn("Archive", self.ok("delayed"))
        name = listed[1]["id"]
        self.ok("delayed", "remove", name)
        self.assertEqual(self.redis.call("EXISTS", "resque:timestamps:" + item), 1)
        self.ok("delayed", "remove", name)
        self.assertEqual(self.redis.keys("resque:delayed*") + self.redis.keys("resque:time*"), [])
        self.refused(66, "no delayed job", "delayed", "remove", name)

    def test_remove_one_of_ours(self):
        jid = self.ask("enqueue", "low", "Mail", "--in", "1h", "--id", "k")["jid"]
        self.assertEqual(self.record(jid)["state"], "delayed")
        self.assertEqual(self.ask("delayed", "remove", jid), {"id": jid, "removed": True})
        self.assertEqual(self.redis.keys("resque:drover:delayed*"), [])
        self.assertEqual(self.record(jid)["state"], "cancelled")
        self.assertEqual(self.audit(jid), ["enqueued", "cancelled"])
        self.refused(66, "no delayed job", "delayed", "remove", jid)

    def test_a_jid_that_stands_there_twice(self):
        job = payload("Mail", jid="j1")
        self.redis.call("HSET", "resque:drover:delayed:jobs", "j1", "retry 3 low " + job,
                        "j1/2", "interrupted 3 low " + job)
        self.redis.call("ZADD", "resque:drover:delayed", 2209086245000, "j1", 2209086246000, "j1/2")
        self.assertEqual([(d["id"], d["jid"], d["why"]) for d in self.ask("delayed")],
                         [("j1", "j1", "retry"), ("j1/2", "j1", "interrupted")])
        self.ok("delayed", "remove", "j1")
        self.assertEqual(self.ask("job", "j1")["state"], "interrupted")
        self.ok("delayed", "remove", "j1/2")
        self.assertEqual(self.redis.keys(), [])

    def test_refused_under_maxmemory_leaves_nothing(self):
        self.redis.call("CONFIG", "SET", "maxmemory", "1")
        self.refused(1, "OOM", "enqueue", "low", "C", "--in", "1h", "--id", "k")
        self.redis.call("CONFIG", "SET", "maxmemory", "0")
        self.assertEqual(self.redis.keys(), [])

    def test_wrong_types_leave_nothing(self):
        for key in ("queues", "drover:delayed", "drover:delayed:jobs", "drover:id:k"):
            self.redis.call("FLUSHALL")
            self.redis.call("HSET" if key == "drover:id:k" else "SET", "resque:" + key, "x",
                            *(["y"] if key == "drover:id:k" else []))
            self.refused(1, "WRONGTYPE", "enqueue", "low", "C", "--in", "1h", "--id", "k")
            self.assertEqual(self.redis.keys(), ["resque:" + key])

    def test_what_waits_is_counted(self):
        self.ok("enqueue", "low", "Mail", "--in", "1h")
        self.ok("enqueue", "else", "Mail", "--in", "1h")
        self.ok("enqueue", "low", "Mail")
        self.park("low", "Heavy", "p1")
        self.park("low", "Heavy", "p2")
        queues = {q["name"]: (q["size"], q["delayed"], q["parked"]) for q in self.ask("queues")}
        self.assertEqual(queues, {"low": (1, 1, 2), "else": (0, 1, 0)})
        self.assertEqual(self.ask("queue", "else")["delayed"], 1)
        stats = self.ask("stats")
        self.assertEqual([stats[k] for k in ("waiting", "delayed", "delayed_resque", "parked")],
                         [1, 2, 0, 2])
        self.assertEqual([(j["state"], j["queue"], j["place"]) for j in self.ask("jobs")],
                         [("queued", "low", "queue"), ("delayed", "low", "delayed"),
                          ("delayed", "else", "delayed"), ("parked", "low", "parked"),
                          ("parked", "low", "parked")])
        self.assertEqual(len(self.ask("jobs", "--queue", "else")), 1)
        self.assertIn("2 delayed here", self.ok("check"))
        job = self.ask("job", "p2")
        self.assertEqual((job["state"], job["place"], job["position"]), ("parked", "parked", 1))


class RequestId(LaterTest):
    def test_the_same_job_for_ever(self):
        code, out, err = self.cli("enqueue", "low", "Mail", "a", "--id", "order 7")
        jid = out.strip()
        self.assertEqual((code, err), (0, ""))
        code, out, err = self.cli("enqueue", "low", "Mail", "a", "--id", "order 7")
        self.assertEqual((code, out.strip()), (0, jid))
        self.assertIn("is queued", err)
        self.redis.call("DEL", "resque:queue:low")
        self.redis.call("HSET", "resque:drover:run:" + jid, "state", "done")
        code, out, _ = self.cli("enqueue", "low", "Mail", "--args", ' [ "a"]', "--id", "order 7",
                                "--json")
        self.assertEqual((code, json.loads(out)), (0, {"jid": jid, "how": "same-request",
                                                       "state": "done", "at": None}))
        self.assertEqual(self.queue("low"), [])
        self.assertEqual(self.record(jid)["request_id"], "order 7")
        left = self.redis.call("PTTL", "resque:drover:id:order 7")
        self.assertTrue(6 * 86400000 < left <= 7 * 86400000, left)

    def test_other_content_is_refused(self):
        jid = self.ok("enqueue", "low", "Mail", "a", "--id", "k").strip()
        for words in (("low", "Mail", "b"), ("low", "Male", "a"), ("high", "Mail", "a"),
                      ("low", "Mail")):
            self.refused(1, "stands for job " + jid, "enqueue", *words, "--id", "k")
        self.assertEqual(self.redis.call("SMEMBERS", "resque:queues"), ["low"])
        self.assertEqual(len(self.queue("low")), 1)

    def test_many_at_once_are_one(self):
        said = []
        many = [threading.Thread(target=lambda: said.append(
            self.cli("enqueue", "low", "Mail", "--id", "k")[1].strip())) for _ in range(8)]
        for one in many:
            one.start()
        for one in many:
            one.join()
        self.assertEqual(len(set(said)), 1, said)
        self.assertEqual(len(self.queue("low")), 1)

    def test_an_answer_that_is_lost_is_asked_for_again(self):
        way = Cutting(self.path("cut.sock"), self.redis.path, b"Lost", times=1)
        self.addCleanup(way.close)
        code, out, err = command("drover", "--redis", way.url, "enqueue", "low", "Lost", "--id", "k")
        self.assertEqual((code, err), (0, ""))
        self.assertEqual(way.seen, 1)
        self.assertEqual([json.loads(item)["jid"] for item in self.queue("low")], [out.strip()])

    def test_wait_for_one_that_is_done(self):
        jid = self.ok("enqueue", "low", "Mail", "--id", "k").strip()
        self.redis.call("HSET", "resque:drover:run:" + jid, "state", "done")
        code, out, _ = self.cli("enqueue", "low", "Mail", "--id", "k", "--wait=60s")
        self.assertEqual((code, out.strip()), (0, jid))

    def test_kept_over_the_delay(self):
        self.ok("enqueue", "low", "Mail", "--id", "k", "--in", "30d")
        self.assertGreater(self.redis.call("PTTL", "resque:drover:id:k"), 36 * 86400000)


class Unique(LaterTest):
    def setUp(self):
        super().setUp()
        self.config_path = self.file_with({"Only": {"command": ["/bin/true"], "unique": True,
                                                 "unique_for": "1h"},
                                        "Seen": {"command": ["/bin/true"], "track": True}})

    def test_a_duplicate_answers_the_first(self):
        code, first, err = self.with_config("enqueue", "low", "Only", "--args", '[{"a":1,"b":2}]')
        self.assertEqual((code, err), (0, ""))
        code, second, err = self.with_config("enqueue", "high", "Only", "--args", '[{"b":2, "a":1}]')
        self.assertEqual((code, second), (0, first))
        self.assertIn("a duplicate, not enqueued", err)
        code, other, _ = self.with_config("enqueue", "low", "Only", "--args", '[{"a":1,"b":3}]')
        self.assertNotEqual(other, first)
        self.assertEqual(len(self.queue("low")), 2)
        [key, _] = self.redis.keys("resque:drover:unique:*")
        self.assertLessEqual(self.redis.call("PTTL", key), 3600000)

    def test_the_state_of_the_one_that_runs(self):
        self.with_config("enqueue", "low", "Only")
        [key] = self.redis.keys("resque:drover:unique:*")
        self.hold("j1")
        self.redis.call("SET", key, "j1 %s main.1.1" % self.LEASE)
        _, out, _ = self.with_config("enqueue", "low", "Only", "--json", "--id", "k")
        self.assertEqual((json.loads(out)["jid"], json.loads(out)["state"]), ("j1", "running"))
        self.redis.call("DEL", key)
        _, out, _ = self.with_config("enqueue", "low", "Only", "--json", "--id", "k")
        self.assertEqual((json.loads(out)["jid"], json.loads(out)["how"]), ("j1", "same-request"))

    def test_who_went_without_a_word_holds_nothing(self):
        jid = self.with_config("enqueue", "low", "Only")[1].strip()
        [key] = self.redis.keys("resque:drover:unique:*")
        self.redis.call("SET", key, "%s %s main.1.1" % (jid, self.LEASE))
        _, other, _ = self.with_config("enqueue", "low", "Only")
        self.assertEqual(self.redis.call("GET", key), other.strip())

    def test_free_again_once_cancelled(self):
        for words in ((), ("--in", "1h")):
            jid = self.with_config("enqueue", "low", "Only", *words)[1].strip()
            self.ok("cancel", jid)
            self.assertEqual(self.redis.keys("resque:drover:unique:*"), [])

    def test_free_again_once_the_queue_is_cleared(self):
        self.ok("enqueue", "low", "Plain")
        self.with_config("enqueue", "low", "Only")
        self.ok("enqueue", "low", "Plain")
        jid = self.with_config("enqueue", "low", "Seen")[1].strip()
        self.assertEqual(self.ask("queue", "low", "clear")["cleared"], 4)
        self.assertEqual(self.redis.keys("resque:drover:unique:*"), [])
        self.assertEqual(self.record(jid)["state"], "cancelled")
        self.assertEqual(self.queue("low"), [])

    def test_only_its_own_lock_is_freed(self):
        jid = self.with_config("enqueue", "low", "Only")[1].strip()
        [key] = self.redis.keys("resque:drover:unique:*")
        self.redis.call("SET", key, "another")
        self.ok("cancel", jid)
        self.assertEqual(self.redis.call("GET", key), "another")

    def test_tracked_by_the_configuration(self):
        jid = self.with_config("enqueue", "low", "Seen")[1].strip()
        self.assertEqual(self.ask("job", jid)["state"], "queued")
        self.assertEqual(self.audit(jid), ["enqueued"])


class Schedule(LaterTest):
    def setUp(self):
        super().setUp()
        self.config_path = self.file_with(
            {"Nightly": {"command": ["/bin/true"], "track": True},
             "Skip": {"command": ["/bin/true"], "overlap": "skip"},
             "One": {"command": ["/bin/true"], "overlap": "queue-one"},
             "Replace": {"command": ["/bin/true"], "overlap": "replace"}},
            schedule={"skip": {"cron": "@daily", "class": "Skip"},
                      "one": {"cron": "@daily", "class": "One"},
                      "replace": {"cron": "@daily", "class": "Replace"},
                      "night": {"cron": "30 3 * * *", "class": "Nightly", "queue": "low",
                                "args": [1], "timezone": "Europe/Berlin", "catch_up": "last"},
                      "minutely": {"cron": "* * * * *", "class": "Nightly"}})

    def test_listed(self):
        self.redis.call("HSET", "resque:drover:schedule", "night", "1763778600",
                        "minutely", "1763773817")  # when it was first seen: it was not fired then
        code, out, err = self.with_config("schedule", "--json")
        self.assertEqual((code, err), (0, ""))
        night, minutely = [s for s in json.loads(out) if s["class"] == "Nightly"]
        self.assertEqual(list(night), ["name", "cron", "timezone", "next_at", "last_at", "class",
                                       "queue", "args", "catch_up"])
        self.assertEqual((night["name"], night["timezone"], night["last_at"], night["catch_up"]),
                         ("night", "Europe/Berlin", "2025-11-22T02:30:00.000Z", "last"))
        self.assertRegex(night["next_at"], r"T0[12]:30:00.000Z$")
        self.assertEqual(minutely["last_at"], None)
        code, out, _ = self.with_config("schedule")
        self.assertRegex(out, r"night +30 3 \* \* \* +Europe/Berlin +\S+T03:30:00\+0[12]:00")
        self.assertIn("2025-11-22T03:30:00+01:00", out)
        self.assertEqual(self.ask("schedule"), [])

    def test_fire(self):
        code, out, err = self.with_config("schedule", "fire", "night")
        self.assertEqual((code, err), (0, ""))
        [item] = self.queue("low")
        job = json.loads(item)
        self.assertEqual((job["class"], job["args"], job["jid"]), ("Nightly", [1], out.strip()))
        self.assertEqual((job["drover"]["origin"], job["drover"]["track"]), ("scheduled", True))
        self.assertRegex(job["drover"]["tick"], r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$")
        record = self.ask("job", out.strip())
        self.assertEqual((record["origin"], record["tick"]), ("scheduled", job["drover"]["tick"]))
        self.assertEqual(self.redis.keys("resque:drover:schedule"), [])
        self.assertEqual(self.with_config("schedule", "fire", "nobody")[0], 66)
        self.refused(64, "usage", "schedule", "fire")

    def fire(self, name):
        code, out, err = self.with_config("schedule", "fire", name, "--json")
        self.assertEqual(code, 0, err)
        answer = json.loads(out)
        return answer["jid"], answer["fired"]

    def runs(self, cls, jid):
        self.redis.call("DEL", "resque:queue:default")
        self.hold(jid)
        self.redis.call("HSET", "resque:drover:overlap:" + cls, jid,
                        "running %s main.1.1" % self.LEASE)

    def test_overlap(self):
        jid, fired = self.fire("skip")
        self.assertTrue(fired)
        self.assertIs(json.loads(self.queue("default")[0])["drover"]["overlap"], True)
        self.assertEqual(self.fire("skip"), (jid, False))
        self.runs("Skip", jid)
        self.assertEqual(self.fire("skip"), (jid, False))
        self.redis.call("DEL", "resque:drover:lease:" + self.LEASE)
        self.assertTrue(self.fire("skip")[1])

    def test_overlap_one_in_the_queue(self):
        jid, _ = self.fire("one")
        self.assertEqual(self.fire("one"), (jid, False))
        self.runs("One", jid)
        second, fired = self.fire("one")
        self.assertTrue(fired)
        self.assertEqual(self.fire("one"), (second, False))

    def test_overlap_replaced(self):
        first, _ = self.fire("replace")
        second, _ = self.fire("replace")
        self.runs("Replace", second)
        third, fired = self.fire("replace")
        self.assertTrue(fired)
        self.assertEqual(sorted(self.redis.call("HKEYS", "resque:drover:cancel")),
                         sorted([first, second]))
        self.assertEqual(self.redis.call("GET", "resque:drover:control"), "2")
        self.assertEqual(sorted(self.redis.call("HKEYS", "resque:drover:overlap:Replace")),
                         sorted([second, third]))


class Durable(LaterTest):
    second = None  # a replica

    def test_no_disk_no_replica(self):
        code, out, err = self.cli("enqueue", "low", "Mail", "--durable")
        self.assertEqual(code, 75)
        self.assertIn("writes no append-only file", err)
        self.assertIn("there is no replica", err)
        self.assertEqual([json.loads(item)["jid"] for item in self.queue("low")], [out.strip()])

    def test_every_write_to_disk(self):
        self.redis.call("CONFIG", "SET", "appendonly", "yes", "appendfsync", "always")
        code, out, err = self.cli("enqueue", "low", "Mail", "--durable", "--json")
        self.assertEqual(code, 0, err)
        self.assertIn("it is on the disk of the server", err)
        self.assertEqual(json.loads(out)["durable"], {
            "confirmed": True, "replicas": 0, "replicas_received": 0, "replicas_on_disk": None,
            "on_disk": True})

    def test_a_second_is_not_yet(self):
        self.redis.call("CONFIG", "SET", "appendonly", "yes", "appendfsync", "everysec")
        code, _, err = self.cli("enqueue", "low", "Mail", "--durable")
        self.assertEqual(code, 75, err)
        self.assertIn("within about a second", err)

    def tearDown(self):
        if self.second:
            self.second.kill()
        super().tearDown()

    def replica(self):
        """A second server that follows the first, which then listens on a port too."""
        port, folder = free_port(), self.path("replica")
        os.mkdir(folder)
        replica = RedisServer(folder).start()
        self.addCleanup(replica.kill)
        self.second = replica
        self.redis.call("CONFIG", "SET", "port", port, "repl-diskless-sync-delay", 0)
        replica.call("REPLICAOF", "127.0.0.1", port)
        self.until(lambda: "state=online" in self.redis.call("INFO", "replication"), "the replica")
        return replica

    def test_a_replica_received_it(self):
        replica = self.replica()
        code, _, err = self.cli("enqueue", "low", "Mail", "--durable")
        self.assertEqual(code, 0, err)
        self.assertIn("1 of 1 replica received it", err)
        self.assertEqual(replica.call("LLEN", "resque:queue:low"), 1)

    def test_a_replica_that_stands_still(self):
        replica, config = self.replica(), self.path("drover.yml")
        with open(config, "w") as file:
            json.dump({"redis": {"url": self.redis.url, "command_timeout": "1s"}}, file)
        replica.pause()
        code, out, err = command("drover", "-c", config, "enqueue", "low", "Mail", "--durable")
        replica.go_on()
        self.assertEqual(code, 75, err)
        self.assertIn("0 of 1 replica received it", err)
        self.assertEqual([json.loads(item)["jid"] for item in self.queue("low")], [out.strip()])

    def test_the_connection_breaks_in_between(self):
        way = Cutting(self.path("cut.sock"), self.redis.path, b"Mail", times=1)
        self.addCleanup(way.close)
        code, _, err = command("drover", "--redis", way.url, "enqueue", "low", "Mail", "--durable",
                               "--id", "k")
        self.assertEqual(code, 75, err)
        self.assertIn("the connection broke", err)


if __name__ == "__main__":
    main()
