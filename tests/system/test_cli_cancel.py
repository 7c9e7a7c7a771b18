"""drover: cancel, all that is told of one job, and both beside a supervisor."""

import json
import os
import sys
import threading

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
from cli import LaterTest  # noqa: E402
from rig import main, payload, sh  # noqa: E402


class Cancel(LaterTest):
    def test_waiting(self):
        jids = [self.ok("enqueue", "low", "Mail", n).strip() for n in "abc"]
        self.assertEqual(self.ask("job", jids[1])["position"], 1)
        self.assertEqual(self.ok("cancel", jids[1]), "cancelled; it was queued\n")
        self.assertEqual([json.loads(item)["jid"] for item in self.queue("low")], jids[::2])
        self.refused(66, "no job", "cancel", jids[1])

    def test_delayed_and_parked(self):
        jid = self.ok("enqueue", "low", "Mail", "--in", "1h").strip()
        self.assertEqual(self.ask("cancel", jid), {"jid": jid, "how": "cancelled", "state": "delayed"})
        self.park("low", "Heavy", "p1")
        self.park("low", "Heavy", "p2")
        self.redis.call("HSET", "resque:drover:overlap:Heavy", "p1", "waiting 1", "p2", "waiting 1")
        self.ok("cancel", "p1")
        self.assertEqual(self.redis.call("HKEYS", "resque:drover:overlap:Heavy"), ["p2"])
        self.ok("cancel", "p2")
        self.assertEqual(self.redis.keys(), [])

    def test_with_a_record(self):
        jid = self.ok("enqueue", "low", "Mail", "--id", "k").strip()
        self.redis.call("PEXPIRE", "resque:drover:id:k", 5000)
        self.ok("cancel", jid)
        self.assertEqual((self.record(jid)["state"], self.audit(jid)),
                         ("cancelled", ["enqueued", "cancelled"]))
        for key in ("run:" + jid, "run:%s:audit" % jid, "id:k"):
            self.assertGreater(self.redis.call("PTTL", "resque:drover:" + key), 6 * 86400000, key)
        self.assertEqual(self.ok("cancel", jid), "it is cancelled already\n")
        code, out, _ = self.cli("enqueue", "low", "Mail", "--id", "k", "--json")
        self.assertEqual((code, json.loads(out)["state"]), (0, "cancelled"))

    def test_running_is_told_to_whoever_holds_it(self):
        self.hold("j1")
        before = self.now()
        self.assertEqual(self.ask("cancel", "j1"), {"jid": "j1", "how": "asked", "state": "running"})
        self.assertGreaterEqual(int(self.redis.call("HGET", "resque:drover:cancel", "j1")), before)
        self.assertEqual(self.redis.call("GET", "resque:drover:control"), "1")
        code, _, err = self.cli("cancel", "j1", "--wait=100ms")
        self.assertEqual(code, 75, err)

    def test_wait_until_it_is_gone(self):
        def wait():
            said.append(self.cli("cancel", "j1", "--wait=60s"))
        self.hold("j1")
        said = []
        waiter = threading.Thread(target=wait)
        waiter.start()
        self.until(lambda: self.redis.call("HGET", "resque:drover:cancel", "j1"), "the request")
        self.redis.call("DEL", "resque:drover:lease:" + self.LEASE, "resque:drover:cancel")
        waiter.join()
        self.assertEqual(said[0][0], 0, said)

    def test_of_a_supervisor_that_is_gone(self):
        self.hold("j1", expires=1)
        self.assertEqual(self.ask("cancel", "j1")["state"], "lost")
        self.assertEqual(self.redis.call("HKEYS", "resque:drover:cancel"), ["j1"])

    def test_ended_before(self):
        self.redis.call("HSET", "resque:drover:run:j1", "state", "done", "class", "C")
        self.refused(1, "could not be cancelled: it is done already", "cancel", "j1")
        self.redis.call("RPUSH", "resque:failed",
                        '{"payload":%s,"queue":"low","error":"x"}' % payload("C", jid="j2"))
        self.refused(1, "it has failed already", "cancel", "j2")
        self.assertEqual(self.redis.keys("resque:drover:cancel"), [])

    def test_retried_by_hand_it_runs_again(self):
        self.redis.call("RPUSH", "resque:failed",
                        '{"payload":%s,"queue":"low","error":"x"}' % payload("C", jid="j2"))
        self.redis.call("HSET", "resque:drover:cancel", "j2", "1")
        self.redis.call("HSET", "resque:drover:run:j2", "state", "failed", "class", "C")
        self.ok("retry", "j2")
        self.assertEqual(self.redis.call("HLEN", "resque:drover:cancel"), 0)
        self.assertEqual(self.audit("j2"), ["enqueued"])

    def test_nobody_knows_it(self):
        self.refused(66, "no job", "cancel", "nobody")
        self.refused(66, "cannot be the id", "cancel", "no/body")


class Job(LaterTest):
    MEMBERS = ["jid", "class", "queue", "args", "state", "worker", "pid", "attempt", "interruptions",
               "recoveries", "origin", "enqueued_at", "started_at", "age_ms", "silent_ms", "place",
               "position", "next_at"]
    OF_A_RECORD = ["ended_at", "done", "total", "note", "result", "request_id", "tick", "audit",
                   "exception", "error"]

    def test_members(self):
        jid = self.ok("enqueue", "low", "Mail").strip()
        self.assertEqual(list(self.ask("job", jid)), self.MEMBERS)
        jid = self.ok("enqueue", "low", "Mail", "--id", "k", "--in", "1h").strip()
        job = self.ask("job", jid)
        self.assertEqual(sorted(job), sorted(self.MEMBERS + self.OF_A_RECORD))
        self.assertEqual((job["state"], job["place"], job["request_id"], job["origin"]),
                         ("delayed", "delayed", "k", "delayed"))
        self.assertRegex(job["next_at"], r"^\d{4}-\d\d-\d\dT.*Z$")
        self.assertEqual(list(job["audit"][0]), ["at", "what"])
        text = self.ok("job", jid)
        self.assertRegex(text, r"where +waits for its time")
        self.assertRegex(text, r"history +\S+Z  enqueued")
        self.assertRegex(text, r"request id +k")

    def test_failed_with_a_record(self):
        jid = self.ok("enqueue", "low", "Mail", "--id", "k").strip()
        [item] = self.queue("low")
        self.redis.call("DEL", "resque:queue:low")
        self.redis.call("HSET", "resque:drover:run:" + jid, "state", "failed")
        self.redis.call("RPUSH", "resque:failed", "{}",
                        '{"payload":%s,"queue":"low","exception":"E","error":"x"}' % item)
        job = self.ask("job", jid)
        self.assertEqual((job["state"], job["place"], job["position"], job["exception"]),
                         ("failed", "failed", 1, "E"))

    def test_locks_and_marks_are_no_jobs(self):
        self.hold("j1")
        self.assertEqual([j["jid"] for j in self.ask("jobs")], ["j1"])
        self.assertEqual(self.ask("job", "j1")["place"], "lease")

    def test_audit_of_anything(self):
        self.redis.call("HSET", "resque:drover:run:j1", "state", "done")
        self.redis.call("RPUSH", "resque:drover:run:j1:audit", "junk", "[1]", "{}",
                        '{"at":"2026-11-21T19:26:23Z","what":"started","worker":"w\\u001b[1m",'
                        '"attempt":2,"detail":"d"}')
        text = self.ok("job", "j1")
        self.assertIn("2026-11-21T19:26:23Z  started (attempt 2)  w\\x1b[1m  d", text)
        self.assertEqual(len(self.ask("job", "j1")["audit"]), 2)


class Members(LaterTest):
    """Documents grow by new members; none goes, and none moves."""

    def members(self, text, *words):
        document = self.ask(*words)
        one = document[0] if isinstance(document, list) else document
        self.assertEqual(list(one), text.split(), words)

    def test_of_every_document(self):
        self.ok("enqueue", "low", "Mail")
        self.hold("j1")
        self.members("jid how state at", "enqueue", "low", "Mail")
        self.assertEqual(list(json.loads(self.cli("enqueue", "low", "Mail", "--durable", "--json")[1])),
                         ["jid", "how", "state", "at", "durable"])
        self.members("name size oldest_ms paused reason delayed parked paused_jobs", "queues")
        self.members("processed failed waiting delayed delayed_resque parked failed_records queues"
                     " workers working supervisors paused paused_jobs", "stats")
        self.members("id host pid version pools workers busy started_at beat_ms state held",
                     "supervisors")
        self.members("jid how state", "cancel", "j1")


class WithSupervisor(LaterTest):
    holds = empties = True

    def hang(self, **keys):
        return sh("echo $$ > %s; exec sleep 60" % self.path("pid"), **keys)

    def test_delayed_runs_at_its_time(self):
        self.drover({"Say": sh("echo $DROVER_ORIGIN > " + self.path("said"))})
        jid = self.ok("enqueue", "default", "Say", "--in", "300ms", "--id", "k").strip()
        self.assertEqual(self.ok("job", jid).count("waits for its time"), 1)
        self.assertEqual(self.cli("enqueue", "default", "Say", "--id", "k", "--wait=60s")[0], 0)
        self.assertEqual(self.until_file("said"), "delayed\n")
        job = self.ask("job", jid)
        due = self.record(jid)["enqueued_at"]
        self.assertTrue(due < job["started_at"] <= job["ended_at"])
        self.assertEqual([self.audit(jid)[0], self.audit(jid)[-1]], ["enqueued", "done"])

    def test_request_id_outlives_restarts(self):
        self.redis.options.update(appendonly="yes")
        self.redis.restart()
        drover = self.drover({"Good": sh("exit 0")})
        code, first, _ = self.cli("enqueue", "default", "Good", "--id", "k", "--wait=60s")
        self.assertEqual(code, 0)
        drover.term()
        self.redis.restart()
        drover.start(wait=False).until_event("supervisor.ready", count=2)
        code, out, _ = self.cli("enqueue", "default", "Good", "--id", "k", "--json")
        self.assertEqual((json.loads(out)["jid"], json.loads(out)["state"]), (first.strip(), "done"))

    def test_cancel_a_running_one(self):
        self.drover({"Hang": self.hang(track=True)})
        jid = self.ok("enqueue", "default", "Hang").strip()
        pid = int(self.until_file("pid"))
        self.assertEqual(self.ask("cancel", jid, "--wait=60s")["how"], "cancelled")
        self.until(lambda: not os.path.exists("/proc/%d" % pid), "the end of the job")
        job = self.ask("job", jid)
        self.assertEqual((job["state"], job["place"]), ("cancelled", None))
        self.assertEqual(self.audit(jid)[-1], "cancelled")
        self.assertEqual(self.redis.call("HLEN", "resque:drover:cancel"), 0)

    def test_cancel_a_running_one_without_a_record(self):
        self.drover({"Hang": self.hang()})
        jid = self.ok("enqueue", "default", "Hang").strip()
        self.until_file("pid")
        self.assertEqual(self.ask("cancel", jid)["how"], "asked")
        self.until(lambda: self.cli("job", jid)[0] == 66, "nobody to know it")
        self.assertEqual(self.ask("failed"), [])

    def test_parked_and_unparked(self):
        self.drover({"Hang": self.hang(max_running=1)})
        first, second = [self.ok("enqueue", "default", "Hang", n).strip() for n in "ab"]
        self.until(lambda: self.ask("stats")["parked"] == 1, "one to be parked")
        parked = {j["state"]: j["jid"] for j in self.ask("jobs")}["parked"]
        running = first if parked == second else second
        self.assertEqual(self.ask("queue", "default")["parked"], 1)
        self.ok("cancel", running)
        self.until(lambda: self.ask("job", parked)["state"] == "running", "the other one")
        self.ok("cancel", parked, "--wait")


class Removed(LaterTest):
    def test_the_large_payload_goes_with_its_record(self):
        self.redis.call("HSET", "resque:drover:oversize", "j1", "x" * 100, "j2", "y")
        self.redis.call("RPUSH", "resque:failed", '{"payload":"xxx","oversize":"j1","queue":"low"}')
        self.ok("failed", "remove", "0")
        self.assertEqual(self.redis.call("HKEYS", "resque:drover:oversize"), ["j2"])


if __name__ == "__main__":
    main()
