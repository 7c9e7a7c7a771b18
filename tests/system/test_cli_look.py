"""drover: what it shows of queues, jobs, workers and the server, and what it does to a queue."""

import json
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
from cli import CliTest, record  # noqa: E402
from rig import command, main, payload  # noqa: E402


class Look(CliTest):
    def test_queues(self):
        self.assertEqual(self.ask("queues"), [])
        self.push("low", payload("Old", 1))
        self.ok("enqueue", "high", "New")
        high, low = self.ask("queues")
        self.assertEqual(list(high), ["name", "size", "oldest_ms", "paused", "reason"])
        self.assertEqual((high["name"], high["size"], high["paused"]), ("high", 1, False))
        self.assertGreaterEqual(high["oldest_ms"], 0)
        self.assertIsNone(low["oldest_ms"])
        self.assertEqual(self.ask("queue", "low"), low)
        self.refused(66, "no queue nope", "queue", "nope")

    def test_pause_and_resume(self):
        self.ok("queue", "low", "pause", "--reason", "moving house")
        self.assertEqual(self.redis.call("HGETALL", "resque:drover:paused"), ["low", "moving house"])
        version = int(self.redis.call("GET", "resque:drover:control"))
        self.assertTrue(self.ask("queue", "low")["paused"])
        self.assertIn("moving house", self.ok("queue", "low"))
        self.ok("queue", "low", "resume")
        self.assertGreater(int(self.redis.call("GET", "resque:drover:control")), version)
        self.refused(66, "no queue low", "queue", "low")

    def test_everything_paused(self):
        self.push("low", payload("A"))
        self.redis.call("SET", "resque:pause-all-workers", " TRUE\n")
        self.assertTrue(self.ask("queue", "low")["paused"])
        self.assertTrue(self.ask("stats")["paused"])

    def test_clear(self):
        self.push("low", *[payload("A", n) for n in range(2500)])
        jid = self.cli("enqueue", "low", "Slow", "--wait=1ms")[1].strip()
        self.assertEqual(self.ask("queue", "low", "clear"), {"name": "low", "cleared": 2501})
        self.assertEqual(self.queue("low"), [])
        self.assertEqual(self.ask("queue", "low")["size"], 0)
        self.assertEqual(self.ask("job", jid)["state"], "cancelled")
        self.assertGreater(self.redis.call("PTTL", "resque:drover:run:" + jid), 0)

    def test_bad_items_do_no_harm(self):
        self.push("low", b"\xff\x1b[2J", "[1]", "null", '{"class":7}', "",
                  '{"class":"\\u001b[31m","args":["\x7f\xc2\x9b\u202e"]}')
        listed = self.ok("jobs")
        self.assertEqual(listed.count("(no job)"), 5)
        for bad in ("\x1b", "\x7f", "\x9b", "\u202e"):
            self.assertNotIn(bad, listed)
            self.assertNotIn(bad, self.ok("jobs", "--json"))
        jobs = self.ask("jobs")
        self.assertEqual(jobs[1]["raw"], "[1]")
        self.assertTrue(all(job["why"] for job in jobs[:5]))
        self.assertEqual(jobs[5]["class"], "\x1b[31m")
        self.ok("queues")

    def test_keys_of_another_type_do_no_harm(self):
        self.push("low", payload("A", jid="j1"))
        self.redis.call("SADD", "resque:queues", "a", "z")
        self.redis.call("SET", "resque:queue:a", "no list")
        self.redis.call("SADD", "resque:workers", "h:1:low")
        self.redis.call("LPUSH", "resque:worker:h:1:low", "no text")
        self.assertEqual([q["size"] for q in self.ask("queues")], [None, 1, 0])
        self.assertIsNone(self.ask("queue", "a")["size"])
        self.assertEqual([job["jid"] for job in self.ask("jobs")], ["j1"])
        self.assertEqual(self.ask("job", "j1")["queue"], "low")
        self.assertEqual(self.ask("stats")["waiting"], 1)
        self.assertEqual(self.ask("workers")[0]["state"], "idle")
        self.refused(2, "WRONGTYPE", "enqueue", "a", "C", "--wait")
        self.assertEqual(self.redis.keys("*run:*"), [])
        self.redis.call("FLUSHALL")

    def test_jobs_of_one_queue_and_limit(self):
        self.push("a", *[payload("A", n, jid="a%d" % n) for n in range(250)])
        self.push("b", payload("B", jid="b0"))
        self.assertEqual(len(self.ask("jobs")), 100)
        self.assertEqual(len(self.ask("jobs", "--limit", "251")), 251)
        self.assertEqual(len(self.ask("jobs", "--limit", "0")), 0)
        self.assertEqual([job["jid"] for job in self.ask("jobs", "--queue", "b")], ["b0"])
        self.assertEqual(self.ask("job", "a249")["args"], [249])

    def test_job(self):
        self.push("low", payload("A", 1, jid="j1", at=1795289190, drover={"attempt": 3}))
        job = self.ask("job", "j1")
        self.assertEqual(list(job), [
            "jid", "class", "queue", "args", "state", "worker", "pid", "attempt", "interruptions",
            "recoveries", "origin", "enqueued_at", "started_at", "age_ms"])
        self.assertEqual((job["state"], job["attempt"]), ("queued", 3))
        self.assertEqual(job["enqueued_at"], "2026-11-21T19:26:30.000Z")
        self.fail(record(payload("A", 2, jid="j2"), "no way"))
        job = self.ask("job", "j2")
        self.assertEqual((job["state"], job["error"]), ("failed", "no way"))
        for jid in ("j3", "no id!"):
            self.refused(66, jid, "job", jid)

    def test_running_from_the_lease(self):
        worker, queue = "rig.1:7:critical,low lands", "low lands"
        entry = "started 1795289183000 j9 %d %s %d %s %s" % (
            len(worker), worker, len(queue), queue, payload("A", 1, jid="j1"))
        self.redis.call("ZADD", "resque:drover:supervisors", "99999999999999", "rig:7:ab")
        self.redis.call("HSET", "resque:drover:lease:rig:7:ab", "web.pool.12.1", entry, "#main", 12,
                        "junk", "not an entry")
        self.redis.call("HSET", "resque:drover:supervisor:rig:7:ab", "host", "rig", "pid", 7,
                        "worker_ids", worker, "worker_pids", "", "pools", "[", "beat_ms", "1")
        self.redis.call("SADD", "resque:workers", worker)
        self.redis.call("SET", "resque:worker:" + worker, json.dumps({
            "queue": queue, "run_at": "2026-11-21T19:26:23Z", "payload": json.loads(payload("A"))}))
        [job] = self.ask("jobs")
        self.assertEqual(job, self.ask("job", "j1"))
        self.assertEqual((job["state"], job["worker"], job["queue"]), ("running", worker, queue))
        self.assertEqual(job["started_at"], "2026-11-21T19:26:23.000Z")
        [seen] = self.ask("workers")
        self.assertEqual((seen["pool"], seen["state"], seen["class"], seen["queue"]),
                         ("web.pool", "running", "A", queue))
        [supervisor] = self.ask("supervisors")
        self.assertEqual((supervisor["pools"], supervisor["busy"]), (None, None))
        self.redis.call("FLUSHALL")

    def test_workers_of_ruby(self):
        self.redis.call("SADD", "resque:workers", "web1:12:low", "odd")
        self.redis.call("SET", "resque:worker:odd", "no json")
        odd, ruby = self.ask("workers")
        self.assertEqual(list(ruby)[:7],
                         ["id", "pool", "state", "jid", "class", "queue", "started_at"])
        self.assertEqual((ruby["state"], ruby["pool"]), ("idle", None))
        self.assertEqual((odd["state"], odd["jid"]), ("running", None))
        self.assertIn("web1:12:low", self.ok("workers"))
        self.assertEqual(self.ask("stats")["working"], 1)
        self.redis.call("FLUSHALL")

    def test_check(self):
        found = self.ask("check")
        self.assertTrue(found["ok"])
        self.assertTrue(any("no persistence" in f["text"] for f in found["findings"]))
        self.redis.call("CONFIG", "SET", "maxmemory", "1gb", "maxmemory-policy", "allkeys-lru")
        self.assertIn("allkeys-lru", self.ok("check"))
        config = self.path("drover.yml")
        with open(config, "w") as file:
            file.write("redis: {url: \"%s\"}\nsupervisor: {state_dir: %s}\n"
                       % (self.redis.url, self.path("no/such/folder")))
        code, out, _ = command("drover", "-c", config, "check")
        self.assertEqual(code, 1, out)
        self.assertIn("cannot be made", out)


if __name__ == "__main__":
    main()
