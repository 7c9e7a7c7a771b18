"""drover fsck: every kind of finding planted by hand, told, and mended where that is safe."""

import json
import os
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
from fsck_bed import JOB, LEASE, FsckTest, entry  # noqa: E402
from rig import SystemTest, command, main, payload, sh  # noqa: E402


class Fsck(FsckTest):
    # -- nothing wrong ---------------------------------------------------------------------------
    def test_nothing(self):
        self.assertEqual(self.drover_fsck(), {
            "findings": [], "keys": 0, "jobs": 0, "found": 0, "notices": 0, "mended": 0, "ok": True})

    def test_all_places_as_they_should_be(self):
        lease, now = self.lives(), int(self.redis.call("TIME")[0]) * 1000
        self.push("low", payload("A", 0), payload("A", 1, jid="q"), "no job", b"\xff")
        self.plant(
            ("HSET", lease, "#main", 3, "main.3.1", entry('{"class":"P","args":[]}', "l"), "#~adopt", "1 1 gone:1:11",
             "~adopt.1.1", entry(payload("A", jid="m"), mark="started"),
             "!main.3.1", "running 1 P l 0\nunique 2 dd l 5\noverlap 1 P l 0\n"),
            ("SADD", "drover:running:P", "here:1:0000000000000000 main.3.1"),
            ("SET", "drover:unique:dd", "l here:1:0000000000000000 main.3.1"),
            ("SET", "drover:unique:ee", "q", "PX", 100000),
            ("HSET", "drover:overlap:P", "l", "running here:1:0000000000000000 main.3.1", "x", "waiting 5"),
            ("SADD", "drover:parked", "P"),
            ("RPUSH", "drover:parked:P", "3 low " + payload("P", jid="p")),
            ("ZADD", "drover:delayed", now + 60000, "d", now + 60000, "d/2"),
            ("HSET", "drover:delayed:jobs", "d", "retry 3 low " + payload("A", jid="d"),
             "d/2", "delayed 3 low " + payload("A", 2, jid="d")),
            ("SET", "drover:id:key", "q " + 40 * "a"),
            ("HSET", "drover:run:q", "state", "queued"),
            ("HSET", "drover:run:p", "state", "parked"),
            ("HSET", "drover:run:m", "state", "running"),
            ("RPUSH", "drover:run:q:audit", "{}"),
            ("ZADD", "drover:runs", now, "q"),
            ("ZADD", "delayed_queue_schedule", 99, 99),
            ("RPUSH", "delayed:99", "x"), ("SADD", "timestamps:x", "delayed:99"),
            ("HSET", "delayed:last_enqueued_at", "a", "b"),
            ("SET", "stat:processed", 7), ("SET", "stat:failed", 7),
            ("SADD", "workers", "ruby:9:*"), ("SET", "worker:ruby:9:*", "{}"),
            ("SET", "worker:here.1:1:low", "{}"))
        answer = self.drover_fsck()
        self.assertEqual([f["kind"] for f in answer["findings"]], ["job.same_id"])
        self.assertEqual(answer["jobs"], 9)

    def test_words_for_people(self):
        self.plant(("RPUSH", "queue:low", JOB))
        code, out, _ = command("drover", "--redis", self.redis.url, "fsck")
        self.assertEqual(code, 1)
        self.assertRegex(out, r"^finding  queue:low: holds jobs, .*\n {9}queue.unlisted; --repair: its ")
        self.assertIn("\n1 key and 1 job: 1 finding, 0 notices\n", out)
        code, out, _ = command("drover", "--redis", self.redis.url, "fsck", "--repair")
        self.assertEqual(code, 0)
        self.assertIn("; mended: its name", out)
        self.assertTrue(out.endswith(", 1 mended\n"))

    def test_only_its_namespace(self):
        self.redis.call("RPUSH", "other:queue:low", JOB)
        self.assertEqual(self.drover_fsck()["keys"], 0)
        self.plant(("HSET", "drover:paused", "a", "b"))
        self.assertEqual(command("drover", "--redis", self.redis.url, "--namespace", "other", "fsck")[0], 1)
        self.redis.call("RPUSH", "queue:low", JOB)
        self.assertEqual(command("drover", "--redis", self.redis.url, "--namespace", "", "fsck")[0], 1)

    # -- queues, keys ----------------------------------------------------------------------------
    def test_queue_without_a_name(self):
        self.plant(("RPUSH", "queue:low", JOB))
        self.mends("queue.unlisted", "queue:low")
        self.assertEqual(self.redis.call("SMEMBERS", "resque:queues"), ["low"])

    def test_wrong_types_hide_nothing_else(self):
        for key in ("queue:a", "workers", "drover:delayed", "drover:lease:x", "drover:runs", "drover:taken"):
            self.plant(("SET", key, "1"))
        self.plant(("LPUSH", "worker:h.1:7:q", 1), ("LPUSH", "drover:run:x", 1), ("RPUSH", "queue:low", JOB))
        kinds = self.found()
        self.assertEqual(kinds.count(("queue.unlisted", "queue:low")), 1)
        self.assertEqual(sorted(w for k, w in kinds if k == "key.type"), [
            "drover:delayed", "drover:lease:x", "drover:run:x", "drover:runs", "drover:taken",
            "queue:a", "worker:h.1:7:q", "workers"])
        self.found("--repair")

    def test_unknown_key(self):
        self.plant(("SET", "drover:whatever", 1))
        self.leaves("key.unknown", "drover:whatever", notice=True)

    # -- leases ----------------------------------------------------------------------------------
    def test_lease_nobody_names(self):
        where = "drover:lease:" + LEASE
        self.plant(("HSET", where, "#main", 3, "main.3.1", entry(JOB)))
        self.assertIn("holds 1 job,", self.expect("lease.unnamed", where)["text"])
        answer = self.drover_fsck("--repair")
        self.assertTrue(answer["ok"])
        self.assertEqual(self.found(), [("lease.expired", where)])  # whoever starts next takes it over
        self.assertTrue(self.redis.call("HEXISTS", "resque:" + where, "main.3.1"))

    def test_jobs_of_a_lease_nobody_names_are_taken_over(self):
        self.plant(("HSET", "drover:lease:" + LEASE, "#main", 3, "main.3.1", entry(payload("Note", 7, jid="n"))))
        self.assertTrue(self.drover_fsck("--repair")["ok"])
        drover = self.drover({"Note": self.note()}, supervisor={"lease": "1s"})
        self.until_processed(1)
        self.assertEqual(self.noted(), [[7]])
        started = drover.until_event("job.start", jid="n")[0]
        self.assertEqual((started["origin"], started["attempt"]), ("recovered", 1))
        self.until(lambda: self.found() == [], "nothing to be left of it")

    def test_lease_left_behind_with_its_locks(self):
        where = "drover:lease:" + LEASE
        self.plant(("HSET", where, "#main", 3, "!main.3.1", "running 1 P j1 0\nunique 2 dd j1 0\noverlap 1 P j1 0\n"),
                   ("SADD", "drover:running:P", LEASE + " main.3.1"),
                   ("SET", "drover:unique:dd", "j1 %s main.3.1" % LEASE),
                   ("HSET", "drover:overlap:P", "j1", "running %s main.3.1" % LEASE))
        self.assertEqual({k for k, _ in self.found()},
                         {"lease.left", "lock.running", "lock.unique", "lock.overlap"})
        self.assertTrue(self.drover_fsck("--repair")["ok"])
        self.assertEqual(self.redis.keys(), [])

    def test_lease_that_is_over(self):
        where = "drover:lease:" + LEASE
        self.plant(("HSET", where, "#main", 3, "main.3.1", entry(JOB)), ("ZADD", "drover:supervisors", 5, LEASE))
        self.leaves("lease.expired", where, notice=True)

    def test_lease_with_nonsense(self):
        lease = self.lives()
        self.plant(("HSET", lease, "#main", 3, "main.3.1", "what"))
        self.leaves("lease.entry", lease)
        self.plant(("HSET", lease, "main.3.1", entry(JOB), "main.4.1", entry(payload("B", jid="b"))))
        self.assertIn("main.4.1", self.expect("lease.mark", lease)["text"])
        self.plant(("HDEL", lease, "main.4.1"), ("HSET", lease, "#other", "many"))
        self.leaves("lease.mark", lease)

    def test_locks_of_a_token_that_is_gone(self):
        lease = self.lives()
        self.plant(("HSET", lease, "#main", 3, "!main.3.1", "running 1 P j1 0\n"))
        self.mends("lease.lock", lease)
        self.assertEqual(self.redis.call("HKEYS", "resque:" + lease), ["#main"])

    # -- locks, parked jobs ------------------------------------------------------------------------
    def test_running_place_nobody_holds(self):
        jobs = [payload("P", n, jid="p%d" % n) for n in range(2)]
        self.lives()
        self.plant(("SADD", "drover:running:P", "here:1:0000000000000000 main.1.1"), ("SADD", "drover:parked", "P"),
                   *[("RPUSH", "drover:parked:P", "3 low " + job) for job in jobs])
        self.mends("lock.running", "drover:running:P")
        self.assertEqual(self.redis.call("LRANGE", "resque:queue:low", 0, -1), jobs[:1])
        self.assertEqual(self.redis.call("LLEN", "resque:drover:parked:P"), 1)

    def test_unique_lock_nobody_holds(self):
        self.plant(("SET", "drover:unique:dd", "j1 here:1:0000000000000000 main.1.1"))
        self.mends("lock.unique", "drover:unique:dd")
        self.plant(("SET", "drover:unique:dd", "j1"))
        self.push("low", JOB)
        self.mends("lock.forever", "drover:unique:dd")
        self.assertGreater(self.redis.call("PTTL", "resque:drover:unique:dd"), 0)
        self.plant(("DEL", "queue:low"))
        self.mends("lock.idle", "drover:unique:dd")

    def test_overlap_nobody_holds(self):
        self.plant(("HSET", "drover:overlap:P", "j1", "running here:1:0000000000000000 main.1.1", "j2", "waiting 5"))
        self.mends("lock.overlap", "drover:overlap:P")
        self.assertEqual(self.redis.call("HKEYS", "resque:drover:overlap:P"), ["j2"])
        self.plant(("HSET", "drover:overlap:P", "j3", "waiting 99999999999999"))
        self.mends("lock.idle", "drover:overlap:P")

    def test_parked_jobs(self):
        item = "3 low " + payload("P", jid="p")
        self.plant(("RPUSH", "drover:parked:P", item), ("SADD", "queues", "low"),
                   ("RPUSH", "queue:low", payload("P", jid="q")))
        self.mends("parked.unlisted", "drover:parked:P")  # and not stuck: one is on its way
        self.plant(("LPOP", "queue:low"))
        self.mends("parked.stuck", "drover:parked:P")
        self.assertEqual(self.redis.call("LRANGE", "resque:queue:low", 0, -1), [payload("P", jid="p")])
        self.assertEqual(self.redis.keys("*parked*"), [])
        self.plant(("SADD", "drover:parked", "P"))
        self.mends("parked.empty", "drover:parked")
        self.plant(("SADD", "drover:parked", "P"), ("RPUSH", "drover:parked:P", "99 low x"),
                   ("LPUSH", "queue:low", payload("P", jid="q")))
        self.leaves("parked.item", "drover:parked:P")

    # -- delayed jobs --------------------------------------------------------------------------------
    def test_delayed_time_without_a_job(self):
        self.plant(("ZADD", "drover:delayed", 5, "j1"))
        self.mends("delayed.empty", "drover:delayed")

    def test_delayed_job_without_a_time(self):
        self.plant(("HSET", "drover:delayed:jobs", "j1", "retry 3 low " + JOB))
        self.mends("delayed.timeless", "drover:delayed:jobs")
        now = int(self.redis.call("TIME")[0]) * 1000
        self.assertAlmostEqual(float(self.redis.call("ZSCORE", "resque:drover:delayed", "j1")), now, delta=60000)

    def test_delayed_nonsense(self):
        self.plant(("ZADD", "drover:delayed", 5, "j1"), ("HSET", "drover:delayed:jobs", "j1", "retry"))
        self.leaves("delayed.item", "drover:delayed:jobs")
        self.plant(("HSET", "drover:delayed:jobs", "j1", "retry 3 low " + payload("A", jid="other")))
        self.leaves("delayed.item", "drover:delayed:jobs")

    def test_delayed_and_nobody_promotes(self):
        self.lives()
        self.plant(("ZADD", "drover:delayed", 5, "j1"), ("HSET", "drover:delayed:jobs", "j1", "retry 3 low " + JOB))
        self.leaves("delayed.overdue", "drover:delayed", notice=True)

    def test_resque_scheduler(self):
        self.plant(("RPUSH", "delayed:99", "x"))
        self.leaves("scheduler.unlisted", "delayed:99", notice=True)
        self.plant(("DEL", "delayed:99"), ("SADD", "timestamps:x", "delayed:99"))
        self.leaves("scheduler.stale", "timestamps:x", notice=True)

    def test_many_delayed(self):
        now = int(self.redis.call("TIME")[0]) * 1000
        for n in range(1200):
            self.plant(("ZADD", "drover:delayed", now + 60000 + n, "j%d" % n),
                       ("HSET", "drover:delayed:jobs", "j%d" % n, "retry 3 low " + payload("A", n, jid="j%d" % n)))
        self.plant(("HDEL", "drover:delayed:jobs", "j7"), ("ZREM", "drover:delayed", "j8"))
        answer = self.drover_fsck("--repair")
        self.assertEqual(sorted(f["kind"] for f in answer["findings"]), ["delayed.empty", "delayed.timeless"])
        self.assertEqual((answer["jobs"], answer["mended"]), (1199, 2))

    # -- workers, supervisors --------------------------------------------------------------------
    def test_workers_without_a_supervisor(self):
        dead = "gone.1:77:low"
        self.plant(("SADD", "workers", dead, "ruby:9:low"), ("SET", "worker:" + dead, "{}"),
                   ("SET", "worker:%s:started" % dead, "x"), ("SET", "worker:ruby:9:low", "{}"))
        self.mends("worker.dead", "workers")
        self.assertEqual(self.redis.keys(), ["resque:worker:ruby:9:low", "resque:workers"])

    def test_worker_with_a_fresh_heartbeat(self):
        now = int(self.redis.call("TIME")[0])
        beat = time.strftime("%Y-%m-%dT%H:%M:%S+00:00", time.gmtime(now))
        self.plant(("SADD", "workers", "gone.1:77:low"), ("HSET", "workers:heartbeat", "gone.1:77:low", beat))
        self.leaves("worker.strange", "workers", notice=True)
        self.plant(("ZADD", "drover:taken", now * 1000, LEASE))
        self.mends("worker.dead", "workers")

    def test_what_a_worker_left(self):
        self.plant(("SET", "stat:processed:gone.1:77:low", 1), ("SET", "stat:processed", 2),
                   ("HSET", "workers:heartbeat", "gone.1:77:low", "x"), ("SET", "stat:processed:ruby:7:low", 1))
        self.mends("worker.remains", "worker:")
        self.assertEqual(self.redis.keys(), ["resque:stat:processed", "resque:stat:processed:ruby:7:low"])

    def test_worker_that_a_supervisor_claims(self):
        self.lives()
        self.lives("a b:c:1:0000000000000000")
        self.plant(("SADD", "workers", "odd.1:9:low", "here.1:1:low", "a-b-c.7:1:x"),
                   ("HSET", "drover:supervisor:here:1:0000000000000000", "worker_ids", "x\nodd.1:9:low"))
        self.assertEqual(self.found(), [])

    def test_record_of_a_supervisor_without_a_lease(self):
        self.plant(("HSET", "drover:supervisor:" + LEASE, "host", "x"))
        self.mends("supervisor.unnamed", "drover:supervisor:" + LEASE)

    # -- runs, jobs ------------------------------------------------------------------------------
    def test_run_whose_job_is_nowhere(self):
        self.plant(("HSET", "drover:run:j1", "state", "queued", "class", "A"))
        self.leaves("run.lost", "drover:run:j1")

    def test_runs_where_their_state_does_not_fit(self):
        for state in ("done", "running", "cancelled"):
            self.plant(("DEL", "queue:low"), ("SADD", "queues", "low"), ("RPUSH", "queue:low", JOB),
                       ("HSET", "drover:run:j1", "state", state), ("PEXPIRE", "drover:run:j1", 100000))
            self.mends("run.state", "drover:run:j1")
            self.assertEqual(self.redis.call("HGET", "resque:drover:run:j1", "state"), "queued")
            self.assertEqual(self.redis.call("PTTL", "resque:drover:run:j1"), -1)
        self.plant(("DEL", "queue:low"), ("HSET", self.lives(), "#main", 3, "main.3.1", entry(JOB)),
                   ("HSET", "drover:run:j1", "state", "done"), ("PEXPIRE", "drover:run:j1", 100000))
        self.expect("run.state", "drover:run:j1")

    def test_record_that_is_kept_for_ever(self):
        self.plant(("HSET", "drover:run:j1", "state", "done"))
        self.mends("run.forever", "drover:run:j1")

    def test_listed_run_without_a_record(self):
        self.plant(("ZADD", "drover:runs", 5, "j1"))
        self.mends("runs.gone", "drover:runs", notice=True)

    def test_request_ids(self):
        self.plant(("SET", "drover:id:k", "j1 " + 40 * "a"))
        self.leaves("id.gone", "drover:id:k", notice=True)
        self.plant(("SET", "drover:id:k", "j1"))
        self.leaves("id.value", "drover:id:k")

    def test_job_in_two_places(self):
        lease = self.lives()
        self.plant(("HSET", lease, "#main", 3, "main.3.1", entry(JOB)), ("SADD", "queues", "low"),
                   ("RPUSH", "queue:low", JOB))
        finding = self.expect("job.twice", "queue:low")
        self.assertIn("j1 stands here and in " + lease, finding["text"])
        self.plant(("DEL", "queue:low"), ("ZADD", "drover:delayed", 99999999999999, "j1"),
                   ("HSET", "drover:delayed:jobs", "j1", "retry 3 low " + JOB))
        self.leaves("job.twice", lease)
        self.plant(("DEL", lease), ("RPUSH", "failed", '{"failed_at":"x","payload":%s}' % JOB))
        self.leaves("job.twice", "drover:delayed:jobs")

    def test_job_twice_in_one_list(self):
        self.push("low", JOB, JOB)
        self.leaves("job.twice", "queue:low")

    def test_job_in_many_places(self):
        for n in range(5):
            self.push("q%d" % n, JOB)
        answer = self.drover_fsck()
        self.assertEqual([f["kind"] for f in answer["findings"]], ["job.twice"] * 4)

    def test_more_ids_in_two_places_than_are_looked_into(self):
        self.push("low", *2 * [payload("A", n, jid="j%d" % n) for n in range(201)])
        kinds = [kind for kind, _ in self.found()]
        self.assertEqual((kinds.count("job.many"), kinds.count("job.same_id")), (1, 200))

    def test_one_id_for_two_jobs_of_a_client(self):
        plain = payload("A", 1, jid="j1")
        self.push("low", plain, plain)
        self.leaves("job.same_id", "queue:low", notice=True)
        self.redis.call("FLUSHALL")
        self.push("low", JOB, payload("A", 2, jid="j1"))
        self.leaves("job.same_id", "queue:low", notice=True)

    def test_failed_record_that_was_retried_by_resque(self):
        self.push("low", JOB)
        self.plant(("RPUSH", "failed", '{"failed_at":"x","payload":%s,"retried_at":"2026/11/21"}' % JOB))
        self.assertEqual(self.found(), [])

    def test_counters(self):
        self.plant(("SET", "stat:failed", 3))
        self.leaves("counter", "stat:processed")
        self.plant(("SET", "stat:processed", 3), ("SET", "stat:processed:r:1:q", 2),
                   ("SET", "stat:processed:r:2:q", 2))
        self.assertIn("workers", self.expect("counter", "stat:processed")["text"])
        self.plant(("SET", "stat:processed", 4), ("SET", "stat:failed", "-1"))
        self.leaves("counter", "stat:failed")

    def test_a_large_queue_is_read_in_windows(self):
        self.push("low", *[payload("A", n, jid="j%d" % n) for n in range(5000)])
        self.push("low", payload("A", 17, jid="j17", drover={"attempt": 2}))
        self.assertEqual(self.drover_fsck()["jobs"], 5001)
        self.assertEqual(self.found(), [("job.twice", "queue:low")])


class InMotion(SystemTest):
    """Supervisors at work never look wrong."""

    LOOKS = 12

    def look(self, told, enough):
        while len(told) < self.LOOKS and not enough.is_set():
            told.append(command("drover", "--redis", self.redis.url, "fsck", "--json"))
        enough.set()

    def start(self):
        jobs = {"Ok": sh(":"), "Fail": sh("exit 1", retries=0), "Tracked": sh(":", track=True),
                "Few": sh("sleep 0.01", track=True, max_running=2)}
        return self.drover(jobs, pools={"main": {"workers": 4, "queues": ["default"]}},
                           supervisor={"lease": "5s"})

    def while_looking(self, disturb):
        """Jobs are enqueued and disturb() is called until fsck has looked often enough."""
        told, enough = [], threading.Event()
        looking = threading.Thread(target=self.look, args=(told, enough))
        self.addCleanup(looking.join)
        self.addCleanup(enough.set)
        looking.start()
        while not enough.is_set():
            for n in range(self.enqueued, self.enqueued + 50):
                self.enqueue("default", ("Ok", "Fail", "Tracked", "Few")[n % 4], n, jid="m%d" % n)
            disturb()
            self.until(lambda: self.size("default") < 20, "most of them to be taken")
        looking.join()
        self.until_processed(self.enqueued)
        self.assertEqual(len(told), self.LOOKS)
        self.assertGreater(max(json.loads(out)["jobs"] for _, out, _ in told), 0)
        for code, out, err in told:
            self.assertEqual((code, err), (0, ""), out)

    def test_no_false_alarm(self):
        self.start()
        self.start()
        self.while_looking(lambda: None)

    def test_no_false_alarm_while_supervisors_die(self):
        def kill_one():
            self.supervisors[-1].kill()
            self.start()
        self.start()
        self.start()
        self.while_looking(kill_one)


if __name__ == "__main__":
    main()
