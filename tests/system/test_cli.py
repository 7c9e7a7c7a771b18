"""drover: what it prints, what it changes, how it exits; without and with a supervisor."""

import json
import os
import socket
import subprocess
import sys
import threading

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
from rig import SystemTest, command, free_port, main, payload, program, sh  # noqa: E402


def record(job, error="no way", queue="low", **members):
    """A failed record as Resque writes it; `job` is JSON text."""
    rest = {"exception": "Boom::Error", "error": error, "backtrace": ["a:1", "b:2"],
            "worker": "h:1:low", "queue": queue}
    rest.update(members)
    head = '{"failed_at":"2026/11/21 14:28:10 UTC","payload":%s,' % job
    return head + json.dumps(rest)[1:]


class Cutting:
    """A way to Redis that lets the words of one command through and its answer not back."""

    def __init__(self, path, behind, word):
        self.behind, self.word = behind, word
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(path)
        self.listener.listen()
        self.url = "unix://%s?db=0" % path
        self.seen = 0
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            try:
                near, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.carry, args=(near,), daemon=True).start()

    def carry(self, near):
        far = socket.socket(socket.AF_UNIX)
        far.connect(self.behind)
        answers = threading.Thread(target=self.answer, args=(far, near), daemon=True)
        answers.start()
        while data := near.recv(65536):
            if self.word in data:
                self.seen += 1
                near.shutdown(socket.SHUT_RDWR)
                far.sendall(data)
                far.shutdown(socket.SHUT_WR)
                break
            far.sendall(data)
        answers.join()
        near.close()
        far.close()

    def answer(self, far, near):
        while data := far.recv(65536):
            try:
                near.sendall(data)
            except OSError:
                pass

    def close(self):
        self.listener.close()


class CliTest(SystemTest):
    conserves = False  # jobs are enqueued by the program under test, which the rig does not count

    def cli(self, *words, env=None):
        return command("drover", "--redis", self.redis.url, *words, env=env)

    def ok(self, *words):
        code, out, err = self.cli(*words)
        self.assertEqual((code, err), (0, ""), words)
        return out

    def ask(self, *words):
        return json.loads(self.ok(*words, "--json"))

    def refused(self, code, sentence, *words):
        got, _, err = self.cli(*words)
        self.assertEqual(got, code, (words, err))
        self.assertRegex(err, sentence)

    def queue(self, name):
        return self.redis.call("LRANGE", "resque:queue:" + name, 0, -1)

    def fail(self, *records):
        self.redis.call("RPUSH", "resque:failed", *records)


class Usage(CliTest):
    def test_wrong_words(self):
        for words, sentence in [
                ((), "which verb"), (("frob",), "no verb frob"), (("run", "X"), "not built yet"),
                (("queues", "x"), "usage"), (("enqueue", "q"), "usage"),
                (("queues", "--frob"), "unknown option --frob"),
                (("enqueue", "q", "C", "--in", "5m"), "--in is not built yet"),
                (("enqueue", "q", "C", "--args", "{}"), "must be a JSON array"),
                (("enqueue", "q", "C", "--args", "[1]", "x"), "not both"),
                (("enqueue", "q", "C", "--wait=5"), "no duration"),
                (("enqueue", "", "C"), "cannot be empty"),
                (("jobs", "--limit", "x"), "needs a number"), (("retry",), "usage"),
                (("retry", "1", "--all"), "usage"), (("failed", "remove"), "usage"),
                (("queue", "q", "frob"), "paused, resumed or cleared"),
                (("queue", "*", "pause"), "is no queue")]:
            with self.subTest(words=words):
                self.refused(64, sentence, *words)

    def test_help_and_version(self):
        self.assertIn("enqueue", self.ok("--help"))
        self.assertIn("--wait[=DURATION]", self.ok("enqueue", "--help"))
        self.assertRegex(self.ok("--version"), r"^drover \d")

    def test_redis_away(self):
        url = "redis://127.0.0.1:%d/0" % free_port()
        config = self.path("drover.yml")
        with open(config, "w") as file:
            file.write("redis: {url: \"%s\", connect_timeout: 200ms}\n" % url)
        code, _, err = command("drover", "-c", config, "queues")
        self.assertEqual(code, 69)
        self.assertIn(url, err)

    def test_bad_configuration(self):
        config = self.path("drover.yml")
        with open(config, "w") as file:
            file.write("redis: {ulr: x}\npools: 7\n")
        for verb in ("queues", "check"):
            code, out, err = command("drover", "-c", config, verb)
            self.assertEqual(code, 78)
            self.assertEqual((out + err).count(config + ":"), 2, out + err)

    def test_option_beats_environment_beats_file(self):
        away = "redis://127.0.0.1:%d/0" % free_port()
        config = self.path("drover.yml")
        with open(config, "w") as file:
            file.write("redis: {url: \"%s\", namespace: other, connect_timeout: 200ms}\n" % away)
        env = {"DROVER_REDIS_URL": self.redis.url}
        code, _, err = command("drover", "-c", config, "enqueue", "q", "C", env=env)
        self.assertEqual((code, err), (0, ""))
        self.assertEqual(self.redis.keys(), ["other:queue:q", "other:queues"])
        env = {"DROVER_REDIS_URL": away}
        code, _, err = command("drover", "--namespace", "", "--redis", self.redis.url, "enqueue",
                               "q", "C", env=env)
        self.assertEqual((code, err), (0, ""))
        self.assertEqual(self.redis.keys("q*"), ["queue:q", "queues"])


class Enqueue(CliTest):
    def test_as_resques_client_does(self):
        jid = self.ok("enqueue", "low", "Mail", "a", "b c").strip()
        self.assertRegex(jid, "^[0-9a-f]{24}$")
        self.assertEqual(self.redis.keys(), ["resque:queue:low", "resque:queues"])
        self.assertEqual(self.redis.call("SMEMBERS", "resque:queues"), ["low"])
        [item] = self.queue("low")
        self.assertTrue(item.startswith('{"class":"Mail","args":["a","b c"],"jid":"%s","at":' % jid))

    def test_arguments_keep_their_bytes(self):
        args = '[1.10,{"a":12345678901234567890},[],"\\u00e9"]'
        self.ok("enqueue", "low", "Mail", "--args", args)
        self.assertIn(args, self.queue("low")[0])

    def test_words_behind_two_dashes(self):
        self.ok("enqueue", "low", "Mail", "--", "--json", "-5")
        self.assertEqual(json.loads(self.queue("low")[0])["args"], ["--json", "-5"])

    def test_in_order(self):
        jids = [self.ask("enqueue", "low", "Mail", str(n))["jid"] for n in range(3)]
        self.assertEqual([json.loads(item)["jid"] for item in self.queue("low")], jids)
        self.assertEqual([job["jid"] for job in self.ask("jobs")], jids)

    def test_wait_is_over(self):
        code, out, err = self.cli("enqueue", "low", "Slow", "--wait=100ms")
        self.assertEqual(code, 75)
        self.assertIn("has not ended in time", err)
        self.assertEqual(self.ask("job", out.strip())["state"], "queued")

    def test_wait_ends_with_the_record(self):
        for state, code in (("done", 0), ("failed", 1), ("cancelled", 1)):
            with self.subTest(state=state):
                jid = self.until_enqueued_then(state)
                self.assertEqual(self.waiter.result[0], code, self.waiter.result)
                self.assertEqual(self.waiter.result[1].strip(), jid)

    def until_enqueued_then(self, state):
        """Somebody waits; the record is made to say `state`; the waiter's jid."""
        def wait():
            self.waiter.result = self.cli("enqueue", "low", "Slow", "--wait=20s")
        self.redis.call("FLUSHALL")
        self.waiter = threading.Thread(target=wait)
        self.waiter.start()
        [key] = self.until(lambda: self.redis.keys("resque:drover:run:*"), "the run record")
        self.redis.call("HSET", key, "state", state)
        self.waiter.join()
        return key.split(":")[-1]

    def test_record_gone_while_waited_for(self):
        def wait():
            waiter.result = self.cli("enqueue", "low", "Slow", "--wait=20s")
        waiter = threading.Thread(target=wait)
        waiter.start()
        [key] = self.until(lambda: self.redis.keys("resque:drover:run:*"), "the run record")
        self.redis.call("DEL", key)
        waiter.join()
        self.assertEqual(waiter.result[0], 2, waiter.result)

    def test_answer_lost_is_said_and_never_sent_again(self):
        way = Cutting(self.path("cut.sock"), self.redis.path, b"Lost")
        self.addCleanup(way.close)
        code, _, err = command("drover", "--redis", way.url, "enqueue", "low", "Lost")
        self.assertEqual(code, 69, err)
        self.assertIn("unknown whether it was enqueued", err)
        self.until(lambda: len(self.queue("low")) == 1, "the job that went through")
        self.assertEqual(way.seen, 1)

    def test_refused_under_maxmemory_leaves_nothing(self):
        self.redis.call("CONFIG", "SET", "maxmemory", "1")
        for words, code in ((("C",), 1), (("C", "--wait"), 2)):
            self.refused(code, "OOM", "enqueue", "low", *words)
        self.redis.call("CONFIG", "SET", "maxmemory", "0")
        self.assertEqual(self.redis.keys(), [])


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


class Failed(CliTest):
    def setUp(self):
        super().setUp()
        self.good = '{"class":"Mail","args":[1.10,[]],"jid":"j1","other":{"b":[]}}'
        self.fail(record(self.good), record('"junk"', "it is no JSON"), "no record",
                  record(payload("Other", 2, jid="j2"), "other", queue="high"))

    def list(self):
        return self.redis.call("LRANGE", "resque:failed", 0, -1)

    def test_list(self):
        rows = self.ask("failed")
        self.assertEqual([row["index"] for row in rows], [0, 1, 2, 3])
        self.assertEqual([row["jid"] for row in rows], ["j1", None, None, "j2"])
        mine = dict(rows[0])
        self.assertEqual((mine.pop("index"), mine.pop("jid")), (0, "j1"))
        self.assertEqual(mine, json.loads(record(self.good)))
        self.assertIn('"args":[1.10,[]]', self.ok("failed", "--json"))
        self.assertEqual(rows[2]["raw"], "no record")
        self.assertIn("no way", self.ok("failed"))

    def test_filters(self):
        for words, indexes in (("--class Mail", [0]), ("--queue high", [3]), ("--error JSON", [1]),
                               ("--error Boom", [0, 1, 3]), ("--class X", []), ("--limit 2", [0, 1])):
            rows = self.ask("failed", *words.split())
            self.assertEqual([row["index"] for row in rows], indexes, words)

    def test_show(self):
        self.assertEqual(self.ask("failed", "show", "j2")["index"], 3)
        self.assertIn("b:2", self.ok("failed", "show", "0"))
        self.refused(66, "no failed record 4", "failed", "show", "4")
        self.refused(66, "job j7", "failed", "show", "j7")

    def test_retry_keeps_the_bytes(self):
        self.assertEqual(self.ask("retry", "0")[0]["jid"], "j1")
        [item] = self.queue("low")
        self.assertIn('"class":"Mail","args":[1.10,[]]', item)
        self.assertIn('"other":{"b":[]}', item)
        self.assertEqual(json.loads(item)["drover"]["attempt"], 1)
        self.assertEqual(self.redis.call("SMEMBERS", "resque:queues"), ["low"])
        self.assertEqual(len(self.list()), 3)

    def test_retry_takes_one_of_twins(self):
        self.fail(record(self.good))
        self.ok("retry", "j1")
        self.assertEqual((len(self.queue("low")), len(self.list())), (1, 4))

    def test_retry_mends_the_run_record(self):
        key = "resque:drover:run:j1"
        self.redis.call("HSET", key, "state", "failed", "error", "no way", "ended_at", "x")
        self.redis.call("EXPIRE", key, 1000)
        self.ok("retry", "j1")
        self.assertEqual(self.redis.call("HGETALL", key), ["state", "queued", "attempt", "1"])
        self.assertEqual(self.redis.call("TTL", key), -1)

    def test_no_job_is_refused_and_stays(self):
        before = self.list()
        self.refused(1, "could not be read as one", "retry", "1")
        self.refused(1, "no JSON object", "retry", "2")
        self.refused(66, "no failed record 4", "retry", "4")
        self.assertEqual(self.list(), before)

    def test_retry_refused_by_redis_loses_nothing(self):
        before = self.list()
        self.redis.call("CONFIG", "SET", "maxmemory", "1")
        self.refused(1, "OOM", "retry", "0")
        self.redis.call("CONFIG", "SET", "maxmemory", "0")
        self.assertEqual(self.list(), before)
        self.assertEqual(self.queue("low"), [])

    def test_retry_all(self):
        self.fail(*[record(payload("Mail", n, jid="m%d" % n), str(n)) for n in range(250)])
        code, out, _ = self.cli("retry", "--all", "--json")
        self.assertEqual(code, 1)  # two are no jobs
        self.assertEqual(sum(row["retried"] for row in json.loads(out)), 252)
        self.assertEqual(len(self.queue("low")), 251)
        self.assertEqual(len(self.queue("high")), 1)
        self.assertEqual(len(self.list()), 2)

    def test_retry_some(self):
        self.ok("retry", "--all", "--class", "Other")
        self.assertEqual((len(self.queue("high")), len(self.queue("low"))), (1, 0))

    def test_remove_and_clear(self):
        self.fail(*[record(payload("Mail", n, jid="m%d" % n), str(n)) for n in range(250)])
        self.assertEqual(self.ask("failed", "remove", "1"), {"removed": 1})
        self.assertEqual(self.ask("failed", "remove", "j2"), {"removed": 1})
        self.refused(66, "job j2", "failed", "remove", "j2")
        self.assertEqual(self.ask("failed", "remove", "--class", "Mail"), {"removed": 251})
        self.assertEqual(self.list(), ["no record"])
        self.assertEqual(self.ask("failed", "clear"), {"removed": 1})
        self.assertEqual(self.redis.keys(), [])


class InsideAJob(CliTest):
    """The other end of the job socket is held by the test."""

    def say(self, *words, answer=b""):
        ours, theirs = socket.socketpair()
        with ours, theirs:
            os.set_inheritable(theirs.fileno(), True)
            ours.sendall(answer)
            done = self.run_with(theirs.fileno(), *words)
            theirs.close()
            said = b""
            while data := ours.recv(65536):
                said += data
        return done, said.decode()

    def run_with(self, fd, *words):
        return subprocess.run([program("drover")] + list(words), pass_fds=[fd], check=False,
                              env=dict(os.environ, DROVER_FD=str(fd)), capture_output=True).returncode

    def test_lines(self):
        self.assertEqual(self.say("progress", "5", "10"), (0, "progress 5 10\n"))
        self.assertEqual(self.say("progress", "5"), (0, "progress 5\n"))
        self.assertEqual(self.say("note", "half way"), (0, "note half way\n"))
        self.assertEqual(self.say("result", '{"n": 1}'), (0, 'result {"n": 1}\n'))

    def test_checkpoint(self):
        self.assertEqual(self.say("checkpoint", "row 7", answer=b"go\n"), (0, "cursor row 7\n"))
        self.assertEqual(self.say("checkpoint", "row 7", answer=b"stop\n"), (75, "cursor row 7\n"))

    def test_refused(self):
        self.assertEqual(self.say("progress", "x"), (64, ""))
        self.assertEqual(self.say("result", "{"), (64, ""))
        self.assertEqual(self.say("note", "a\nb"), (64, ""))
        self.refused(1, "inside a job", "note", "x")


class WithSupervisor(CliTest):
    def test_wait_for_done_and_failed(self):
        self.drover({"Good": sh("exit 0"), "Bad": sh("echo why >&2; exit 3")})
        code, out, err = self.cli("enqueue", "default", "Good", "--wait=20s")
        self.assertEqual((code, err), (0, ""))
        job = self.ask("job", out.strip())
        self.assertEqual((job["state"], job["class"], job["attempt"]), ("done", "Good", 1))
        self.assertTrue(job["enqueued_at"] <= job["started_at"] <= job["ended_at"])
        code, out, err = self.cli("enqueue", "default", "Bad", "--wait=20s", "--json")
        self.assertEqual(code, 1)
        self.assertIn("Drover::ExitStatus", err)
        self.assertEqual(json.loads(out)["exception"], "Drover::ExitStatus")

    def test_who_works_on_what(self):
        self.drover({"Hang": sh("echo $$ > \"$DROVER_RIG/pid\"; sleep 1000")},
                    defaults={"pass_env": ["PATH", "DROVER_RIG"]})
        jid = self.ask("enqueue", "default", "Hang", "1")["jid"]
        pid = int(self.until_file("pid"))
        job = self.ask("job", jid)
        self.assertEqual((job["state"], job["class"], job["queue"]), ("running", "Hang", "default"))
        self.until(lambda: self.ask("job", jid)["pid"] in (pid, None), "the pid, if it is told")
        busy = [w for w in self.ask("workers") if w["state"] == "running"]
        self.assertEqual([(w["pool"], w["jid"], w["id"]) for w in busy],
                         [("main", jid, job["worker"])])
        self.assertEqual({w["pool"] for w in self.ask("workers")}, {"main"})
        self.until(lambda: self.ask("supervisors")[0]["busy"] == 1, "the record of the supervisor")
        [supervisor] = self.ask("supervisors")
        self.assertEqual((supervisor["workers"], supervisor["state"]), (2, "running"))
        self.assertEqual(supervisor["pools"][0]["name"], "main")
        self.ok("supervisors")

    def test_paused_queue_waits(self):
        self.ok("queue", "default", "pause")
        self.drover({"Good": sh("exit 0")})
        self.ok("enqueue", "default", "Good")
        self.ok("enqueue", "low", "Good")
        self.until_processed(1)
        self.assertEqual(self.size("default"), 1)
        self.ok("queue", "default", "resume")
        self.until_processed(2)

    def test_retry_after_failure(self):
        self.drover({"Once": sh("test -e \"$DROVER_RIG/mended\"")},
                    defaults={"pass_env": ["PATH", "DROVER_RIG"]})
        jid = self.ask("enqueue", "default", "Once")["jid"]
        self.until_failed(1)
        with open(self.path("mended"), "w"):
            pass
        self.ok("retry", jid)
        self.until_processed(2)
        self.assertEqual(self.ask("failed"), [])

    def test_inside_a_job(self):
        self.drover({"Talk": sh("d=%s; $d progress 5 10 && $d note 'half way' && $d result '[1]'"
                                " && $d checkpoint 5" % program("drover"))})
        code, out, err = self.cli("enqueue", "default", "Talk", "--wait=20s", "--json")
        self.assertEqual(code, 0, err)
        job = json.loads(out)
        self.assertEqual(job["result"], [1])
        self.assertEqual((job["done"], job["total"], job["note"]), (5, 10, "half way"))


if __name__ == "__main__":
    main()
