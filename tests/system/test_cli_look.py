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
        self.assertEqual(list(high), ["name", "size", "oldest_ms", "paused", "reason", "delayed", "parked",
                                      "paused_jobs"])
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
        self.assertTrue(0 < self.redis.call("PTTL", "resque:drover:control") <= 86400000)
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
            "recoveries", "origin", "enqueued_at", "started_at", "age_ms", "silent_ms", "place",
            "position", "next_at"])
        self.assertEqual((job["state"], job["attempt"]), ("queued", 3))
        self.assertEqual(job["enqueued_at"], "2026-11-21T19:26:30.000Z")
        self.add_failed(record(payload("A", 2, jid="j2"), "no way"))
        job = self.ask("job", "j2")
        self.assertEqual((job["state"], job["error"]), ("failed", "no way"))
        for jid in ("j3", "no id!"):
            self.refused(66, jid, "job", jid)

    def test_words_follow_the_state(self):
        times = {"enqueued_at": "2026-11-21T19:00:00.000Z", "started_at": "2026-11-21T19:01:00.000Z",
                 "ended_at": "2026-11-21T19:03:05.000Z"}
        words = ("waits for", "ended after", "runs for", "ran for", "held for")

        def said(jid):
            lines = self.ok("job", jid).splitlines()
            return [line for line in lines if line.startswith(words)]

        def run(jid, state, *names):
            pairs = [part for name in names for part in (name, times[name])]
            self.redis.call("HSET", "resque:drover:run:" + jid, "state", state, "class", "A", *pairs)
            return said(jid)

        for state in ("done", "failed"):
            self.assertEqual(run(state, state, *times), ["ran for        2m 5s"])
            self.assertEqual(run(state + "2", state, "enqueued_at", "ended_at"), [])
        self.assertEqual(run("c", "cancelled", "enqueued_at", "ended_at"), ["ended after    3m 5s"])
        self.assertRegex(run("q", "queued", "enqueued_at")[0], "^waits for ")
        self.assertRegex(run("r", "running", "enqueued_at", "started_at")[0], "^runs for ")
        self.add_failed(record(payload("A", 2, jid="f", at=1795289190), "no way"))
        self.assertEqual(said("f"), [])
        self.assertIsNone(self.ask("job", "f")["age_ms"])
        self.redis.call("FLUSHALL")

    def test_running_from_the_lease(self):
        worker, queue = "rig.1:7:critical,low lands", "low lands"
        entry = "started 1795289183000 j9 %d %s %d %s %s" % (
            len(worker), worker, len(queue), queue, payload("A", 1, jid="j1"))
        self.redis.call("ZADD", "resque:drover:supervisors", "99999999999999", "rig:7:ab")
        self.redis.call("HSET", "resque:drover:lease:rig:7:ab", "web.pool~3.12.1", entry, "#main", 12,
                        "junk", "not an entry")
        self.redis.call("HSET", "resque:drover:supervisor:rig:7:ab", "host", "rig", "pid", 7,
                        "worker_ids", worker, "worker_pids", "", "pools", "[", "beat_ms", "1")
        self.redis.call("SADD", "resque:workers", worker)
        self.redis.call("SET", "resque:worker:" + worker, json.dumps({
            "queue": queue, "run_at": "2026-11-21T19:26:23Z", "payload": json.loads(payload("A"))}))
        [job] = self.ask("jobs")
        alone = self.ask("job", "j1")
        self.assertGreaterEqual(alone["age_ms"], job["age_ms"])
        self.assertEqual(dict(alone, age_ms=0), dict(job, age_ms=0))
        self.assertEqual((job["state"], job["worker"], job["queue"]), ("running", worker, queue))
        self.assertEqual(job["started_at"], "2026-11-21T19:26:23.000Z")
        [seen] = self.ask("workers")
        self.assertEqual((seen["pool"], seen["state"], seen["class"], seen["queue"]),
                         ("web.pool", "running", "A", queue))
        [supervisor] = self.ask("supervisors")
        self.assertEqual((supervisor["pools"], supervisor["busy"]), (None, None))
        self.redis.call("FLUSHALL")

    def hold(self, lease, jid, worker, token="main~1.1.1"):
        entry = "taken 1795289183000 none %d %s 3 low %s" % (
            len(worker), worker, payload("A", 1, jid=jid))
        self.redis.call("HSET", "resque:drover:lease:" + lease, token, entry, "#main~1", 1)
        self.redis.call("SADD", "resque:workers", worker)
        self.redis.call("SET", "resque:worker:" + worker, json.dumps({
            "queue": "low", "run_at": "2026-11-21T19:26:23Z",
            "payload": json.loads(payload("A", 1, jid=jid))}))

    def redis_ms(self):
        seconds, micros = self.redis.call("TIME")
        return int(seconds) * 1000 + int(micros) // 1000

    def test_lost_with_their_supervisor(self):
        now = self.redis_ms()
        self.hold("rig:1:aa", "over", "rig:1:low")
        self.hold("rig:2:bb", "none", "rig:2:low")
        self.hold("rig:3:cc", "lives", "rig:3:low")
        self.redis.call("HSET", "resque:drover:lease:rig:4:dd", "#main~1", 1)  # holds nothing
        self.redis.call("ZADD", "resque:drover:supervisors", now - 1, "rig:1:aa", now + 10**8, "rig:3:cc")
        self.redis.call("HSET", "resque:drover:supervisor:rig:1:aa", "beat_ms", now - 125000)
        self.redis.call("HSET", "resque:drover:run:over", "state", "running")

        jobs = {job["jid"]: job for job in self.ask("jobs")}
        self.assertEqual({jid: job["state"] for jid, job in jobs.items()},
                         {"over": "lost", "none": "lost", "lives": "running"})
        self.assertGreaterEqual(jobs["over"]["silent_ms"], 125000)
        self.assertIsNone(jobs["none"]["silent_ms"])
        self.assertIsNone(jobs["lives"]["silent_ms"])
        listed = self.ok("jobs")
        self.assertRegex(listed, r"over +lost: its supervisor has been silent for 2m \d+s +low")
        self.assertRegex(listed, r"none +lost: its supervisor has been silent +low")
        self.assertEqual(self.ask("job", "over")["state"], "lost")
        self.assertRegex(self.ok("job", "over"), "state +lost: its supervisor has been silent for 2m ")
        self.assertRegex(self.ok("job", "none"), "held for ")

        workers = {w["id"]: w for w in self.ask("workers")}
        self.assertEqual([workers["rig:%d:low" % n]["state"] for n in (1, 2, 3)],
                         ["lost", "lost", "running"])
        self.assertEqual({w["pool"] for w in workers.values()}, {"main"})
        self.assertRegex(self.ok("workers"), "rig:1:low +main +lost: its supervisor has been silent for 2m ")
        self.assertEqual([s["id"] for s in self.ask("supervisors")],
                         ["rig:3:cc", "rig:2:bb", "rig:1:aa"])
        warnings = [f["text"] for f in self.ask("check")["findings"] if f["level"] == "warning"]
        self.assertIn("2 jobs are held by supervisors that no longer answer, until another takes over: "
                      "rig:2:bb, rig:1:aa", warnings)
        self.redis.call("FLUSHALL")

    def test_the_living_know_better_than_the_lost(self):
        now = self.redis_ms()
        self.hold("rig:1:old", "j1", "rig:1:low")
        self.hold("rig:1:new", "j1", "rig:1:low")
        self.redis.call("ZADD", "resque:drover:supervisors", 1, "rig:1:old", now + 10**8, "rig:1:new")
        self.assertEqual(self.ask("job", "j1")["state"], "running")
        [worker] = self.ask("workers")
        self.assertEqual((worker["state"], worker["supervisor"]), ("running", "rig:1:new"))
        self.redis.call("FLUSHALL")

    def test_leases_are_found_among_many_keys_and_odd_namespaces(self):
        self.redis.call("MSET", *[part for n in range(5000) for part in ("k%d" % n, n)])
        odd = "a[b]*?\\"
        entry = "taken 1 none 1 w 3 low %s" % payload("A", 1, jid="j1")
        for space in (odd, "ab"):
            self.redis.call("HSET", space + ":drover:lease:x:1:" + space[:2], "main~1.1.1", entry)
        self.assertEqual([s["id"] for s in self.ask("--namespace", odd, "supervisors")], ["x:1:a["])
        self.redis.call("FLUSHALL")

    def test_jobs_of_a_killed_supervisor(self):
        drover = self.drover({"Gate": self.gate()}, supervisor={"lease": "1s"})
        self.enqueue("default", "Gate", jid="held")
        self.until_begun()
        self.assertEqual([w["pool"] for w in self.ask("workers")], ["main"] * 2)
        self.assertEqual(self.ask("job", "held")["state"], "running")
        drover.kill()
        self.until(lambda: self.ask("job", "held")["state"] == "lost", "the lease to be over")
        self.assertEqual({w["state"] for w in self.ask("workers")}, {"lost"})
        self.assertIn("1 job is held by a supervisor that no longer answers", self.ok("check"))
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
        with open(config, "w") as file:
            file.write("redis: {url: \"%s\"}\nsupervisor: {state_dir: %s}\n"
                       "jobs: {There: {command: [x]}}\nschedule:\n"
                       "  a: {cron: \"@daily\", class: There}\n"
                       "  b: {cron: \"@daily\", class: Gone}\n"
                       "  c: {cron: \"@daily\", class: Gone2}\n"
                       % (self.redis.url, self.path("state")))
        code, out, _ = command("drover", "-c", config, "check")
        self.assertEqual(code, 0, out)
        self.assertIn("matches the class Gone of the schedule b, nor those of 1 more", out)


if __name__ == "__main__":
    main()
