"""drover: pause, resume, rate, cancel, errors, retry-errors, log; with runs that only stand in Redis."""

import json
import os
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
from cli import RunsTest  # noqa: E402
from rig import main, payload, program, sh  # noqa: E402

EACH = {"each": {"csv": "/srv/rows.csv"}, "filter": ["cat"]}


class Change(RunsTest):
    """pause, resume, rate, cancel: of runs in parts, and what others are told."""

    def test_pause_tells(self):
        self.plant("r", "running")
        self.assertEqual(self.ask("pause", "r", "--reason", "disk full"),
                         {"jid": "r", "how": "asked", "state": "running"})
        self.assertEqual(self.control(), 1)
        run = self.ask("run-show", "r")
        self.assertEqual((run["state"], run["reason"]), ("pausing", "disk full"))
        self.assertRegex(run["pause_at"], "Z$")
        [entry] = self.history("r")
        self.assertEqual((entry["what"], entry["detail"]), ("pause", "disk full"))
        self.assertRegex(entry["by"], r"^\S+@\S+$")
        self.assertIn(entry["by"], self.ok("run-show", "r"))

    def test_resume_in_time(self):
        self.plant("r", "running")
        self.ok("pause", "r", "--reason", "x")
        self.assertEqual(self.ok("resume", "r"), "resumed: it had not been stopped yet\n")
        self.assertEqual(self.record("r"), dict(self.record("r"), state="running"))
        self.assertNotIn("reason", self.record("r"))
        self.assertEqual(self.control(), 2)

    def test_resume_moves_the_jobs_to_the_tail(self):
        self.push("low", payload("A"))
        self.divided(p1="paused", p3="paused")
        self.redis.call("HSET", self.key("r"), "state", "paused")
        first, last = self.part_of("r", 1), self.part_of("r", 3)
        self.put_by("low", first, last, payload("A", jid="other"))
        self.redis.call("HSET", "resque:drover:pause", "r", "1 x")
        self.assertEqual(self.ask("resume", "r"), {"jid": "r", "how": "resumed", "state": "paused"})
        self.assertEqual(self.queue("low"), [payload("A"), first, last])
        parts = self.parts("r")
        self.assertEqual([parts["%d:state" % n] for n in (1, 2, 3)], ["queued", "done", "queued"])
        self.assertEqual(self.record("r")["state"], "queued")
        self.assertEqual(self.redis.call("HKEYS", "resque:drover:paused:jobs"), ["other"])
        self.refused(1, "r is queued: it cannot be resumed", "resume", "r")

    def test_resume_of_what_is_lost(self):
        self.plant("r", "paused")
        self.redis.call("HSET", "resque:drover:pause", "r", "1 x")
        self.refused(1, "not among those that were put by", "resume", "r")
        self.assertEqual(self.redis.call("HKEYS", "resque:drover:pause"), ["r"])

    def test_resume_refused_by_a_key_loses_nothing(self):
        self.plant("r", "paused")
        self.put_by("low", self.job_of("r"))
        self.redis.call("SET", "resque:queue:low", "no list")
        self.refused(1, "WRONGTYPE", "resume", "r")
        self.assertEqual(self.redis.call("HLEN", "resque:drover:paused:jobs"), 1)
        self.assertEqual(self.record("r")["state"], "paused")

    def test_under_maxmemory(self):
        self.plant("r", "paused")
        self.plant("s", "running")
        self.put_by("low", self.job_of("r"))
        self.redis.call("CONFIG", "SET", "maxmemory", "1")
        self.ok("resume", "r")
        self.ok("pause", "s")
        self.ok("cancel", "s")
        self.redis.call("CONFIG", "SET", "maxmemory", "0")
        self.assertEqual(len(self.queue("low")), 1)

    def test_everything(self):
        self.refused(64, "--all wants a --reason", "pause", "--all")
        self.refused(64, "either the jid of a run or --all", "pause")
        self.refused(64, "either the jid of a run or --all", "resume", "r", "--all")
        self.assertEqual(self.ask("pause", "--all", "--reason", "fire"), {"paused": True})
        self.assertEqual(self.hash("resque:drover:paused"), {"*": "fire"})
        self.assertEqual(self.control(), 1)
        self.assertTrue(self.ask("stats")["paused"])
        self.assertIn("resume --all", self.cli("check")[1])
        self.assertEqual(self.ask("resume", "--all"), {"paused": False})
        self.assertEqual(self.ok("resume", "--all"), "it was not paused\n")
        self.redis.call("SET", "resque:pause-all-workers", "true")
        code, out, err = self.cli("resume", "--all", "--json")
        self.assertEqual((code, json.loads(out)), (0, {"paused": True}))
        self.assertIn("pause-all-workers is set", err)

    def test_rate(self):
        self.plant("r", "running", rate_next="1")
        self.assertEqual(self.ok("rate", "r", "50/s"), "at most 50/s from now on\n")
        self.assertEqual(self.record("r")["rate"], "50 1000")
        self.assertNotIn("rate_next", self.record("r"))
        self.ok("rate", "r", "90/m")
        self.assertEqual(self.ask("run-show", "r")["rate_limit"], "90/m")
        self.assertEqual(self.ok("rate", "r", "none"), "as fast as it goes, from now on\n")
        self.assertEqual(self.record("r")["rate"], "none")
        self.assertIsNone(self.ask("run-show", "r")["rate_limit"])
        self.assertEqual(self.control(), 3)
        self.assertEqual([entry["detail"] for entry in self.history("r")],
                         ["50 items in 1000 ms", "90 items in 60000 ms", "none"])
        for text in ("50", "0/s", "x/s", "5/d"):
            self.refused(64, "is no rate such as", "rate", "r", text)

    # -- cancel ----------------------------------------------------------------------------------
    def test_cancel_takes_out_what_waits_wherever(self):
        self.divided(p1="paused", p2="delayed", p3="queued")
        self.redis.call("HSET", self.key("r"), "parts_left", 4)
        self.redis.call("HSET", self.key("r", ":parts"), "4:state", "parked")
        self.put_by("low", self.part_of("r", 1))
        self.redis.call("HSET", "resque:drover:delayed:jobs", "r.p2", "retry 3 low " + self.part_of("r", 2))
        self.redis.call("ZADD", "resque:drover:delayed", self.now() + 10**7, "r.p2")
        self.push("low", payload("A", "r"), self.part_of("r", 3), payload("B", parent="r"))
        self.redis.call("RPUSH", "resque:drover:parked:Rows", "3 low " + self.part_of("r", 4))
        self.redis.call("SADD", "resque:drover:parked", "Rows")
        self.assertEqual(self.ask("cancel", "r")["how"], "cancelled")
        self.assertEqual(self.record("r")["state"], "cancelled")
        self.assertEqual(self.queue("low"), [payload("A", "r"), payload("B", parent="r")])
        for key in ("delayed", "delayed:jobs", "parked", "parked:Rows", "paused:jobs", "cancel", "pause"):
            self.assertEqual(self.redis.call("EXISTS", "resque:drover:" + key), 0, key)
        self.assertEqual({self.parts("r")["%d:state" % n] for n in (1, 2, 3, 4)}, {"cancelled"})
        self.assertEqual([entry["what"] for entry in self.history("r")], ["cancelled"])

    def test_cancel_leaves_a_wish_for_what_runs(self):
        self.divided()
        self.push("low", self.part_of("r", 3))
        self.redis.call("HSET", "resque:drover:pause", "r", "1 x")
        self.assertEqual(self.ask("cancel", "r"), {"jid": "r", "how": "asked", "state": "running"})
        record = self.record("r")
        self.assertEqual((record["state"], record["parts_left"], record["parts_cancelled"]),
                         ("cancelling", "1", "1"))
        self.assertEqual(self.redis.call("HKEYS", "resque:drover:cancel"), ["r"])
        self.assertEqual(self.redis.call("EXISTS", "resque:drover:pause"), 0)
        self.assertEqual(self.queue("low"), [])
        self.assertEqual(self.control(), 1)
        self.ok("cancel", "r")  # again: nothing new
        self.assertEqual([entry["what"] for entry in self.history("r")], ["cancel"])
        self.assertEqual(self.record("r")["parts_left"], "1")

    def test_cancel_of_one_that_is_astray(self):
        self.divided(p1="done")  # part 3 says queued, and is in no queue: it was just taken
        self.assertEqual(self.ask("cancel", "r")["how"], "asked")
        self.assertEqual(self.record("r")["state"], "cancelling")
        self.assertEqual(self.redis.call("HKEYS", "resque:drover:cancel"), ["r"])

    def test_cancel_while_the_end_is_due(self):
        self.divided(p1="done", p3="done")
        self.push("low", self.job_of("r.end", parent="r", part=-1))
        self.assertEqual(self.ask("cancel", "r")["how"], "cancelled")
        self.assertEqual(self.queue("low"), [])
        self.divided("s", p1="done", p3="done")
        self.assertEqual(self.ask("cancel", "s")["how"], "asked")
        self.assertEqual(self.redis.call("HKEYS", "resque:drover:cancel"), ["s"])

    def test_cancel_of_a_failed_one(self):
        self.plant("r", "failed")
        record = '{"payload":%s,"queue":"low","error":"x"}' % self.job_of("r")
        self.add_failed(record, record.replace('"r"', '"s"'))
        self.assertEqual(self.ask("cancel", "r"), {"jid": "r", "how": "cancelled", "state": "failed"})
        self.assertEqual(len(self.redis.call("LRANGE", "resque:failed", 0, -1)), 1)

    def test_cancel_frees_locks_and_is_followed(self):
        self.config_path = self.file_with({"Rows": dict(EACH, unique=True, on_cancel={
            "class": "Sorry", "args": ["r"]}), "Sorry": sh("true")})
        code, out, err = self.with_config("run", "Rows", "--queue", "low")
        self.assertEqual((code, err), (0, ""))
        jid = out.strip()
        self.assertEqual(len(self.redis.keys("resque:drover:unique:*")), 1)
        self.assertEqual(self.with_config("cancel", jid)[0], 0)
        self.assertEqual(self.redis.keys("resque:drover:unique:*"), [])
        [item] = self.queue("low")
        self.assertEqual((json.loads(item)["class"], json.loads(item)["args"]), ("Sorry", ["r"]))
        self.assertEqual(self.with_config("cancel", jid)[0], 0)
        self.assertEqual(len(self.queue("low")), 1)  # once

    def test_a_part_that_is_thrown_away_counts_itself_out(self):
        self.divided(p1="queued")
        self.push("low", self.part_of("r", 1), self.part_of("r", 3))
        self.ok("cancel", "r.p1")
        self.assertEqual((self.record("r")["parts_left"], self.parts("r")["1:state"]), ("1", "cancelled"))
        self.assertNotEqual(self.record("r")["state"], "cancelled")
        self.assertEqual(self.ask("queue", "low", "clear")["cleared"], 1)
        self.assertEqual((self.record("r")["parts_left"], self.record("r")["state"]), ("0", "cancelled"))
        self.assertEqual(self.redis.call("EXISTS", self.key("r.p1")), 0)


class Errors(RunsTest):
    def aside(self, number, **members):
        error = dict({"item": number, "cursor": "c%d" % number, "error": "bad row", "attempts": 2,
                      "at": 1795289183000}, **members)
        self.redis.call("HSET", self.key("r", ":errors"), number, json.dumps(error))

    def test_errors(self):
        self.plant("r", "done")
        self.assertEqual(self.ask("errors", "r"), [])
        for number in (30, 4, 100):
            self.aside(number)
        errors = self.ask("errors", "r")
        self.assertEqual([error["item"] for error in errors], [4, 30, 100])
        self.assertEqual(errors[0], {"number": 4, "item": 4, "cursor": "c4", "error": "bad row", "attempts": 2,
                                     "at": "2026-11-21T19:26:23.000Z", "round": 0})
        self.assertRegex(self.ok("errors", "r"), r"30 +30 +2 +2026-11-21T19:26:23.000Z +bad row")

    def test_odd_ones(self):
        self.plant("r", "done")
        self.redis.call("HSET", self.key("r", ":errors"), "1", b'{"item":{"a":1},"cursor":"\xff","at":"x"}',
                        "2", "no json", "3", '{"at":"2026-11-21T19:26:23Z","round":2,"error":"\\u001b[1m"}')
        first, second, third = self.ask("errors", "r")
        self.assertEqual((first["item"], first["cursor"], first["at"]), ({"a": 1}, "\ufffd", None))
        self.assertEqual((second["item"], second["error"]), (2, "no json"))
        self.assertEqual((third["item"], third["round"], third["at"]), (3, 2, "2026-11-21T19:26:23.000Z"))
        self.assertIn("\\x1b[1m", self.ok("errors", "r"))

    def test_many(self):
        self.plant("r", "done")
        for first in range(1, 2501, 500):
            self.redis.call("HSET", self.key("r", ":errors"), *self.flat(
                {n: json.dumps({"item": n, "error": "x" * 100}) for n in range(first, first + 500)}))
        self.assertEqual([e["item"] for e in self.ask("errors", "r")], list(range(1, 2501)))

    def test_retry_errors(self):
        self.plant("r", "done", csv="u1", round="2", started_at="s", error="e", exception="x",
                   at={0: {"number": 7, "cursor": "c"}}, attempt="3")
        before = self.parts("r")
        self.aside(3)
        self.aside(4)
        self.assertEqual(self.ask("retry-errors", "r"),
                         {"jid": "r", "how": "queued", "state": "done", "items": 2})
        [item] = self.queue("low")
        job = json.loads(item)
        self.assertEqual((job["class"], job["args"], job["jid"]), ("Rows", [1], "r"))
        self.assertEqual(job["drover"], {"origin": "retry", "track": True, "csv": "u1", "retry": 3})
        record = self.record("r")
        self.assertEqual((record["state"], record["round"], record["attempt"], record["started_at"]),
                         ("queued", "3", "1", "s"))
        self.assertNotIn("error", record)
        self.assertEqual(self.redis.call("TTL", self.key("r")), -1)
        self.assertEqual(self.parts("r"), before)
        self.assertEqual([entry["what"] for entry in self.history("r")], ["retry-errors"])

    def test_nothing_to_retry(self):
        self.plant("r", "done")
        self.refused(1, "r is done and none of its items failed: nothing to retry", "retry-errors", "r")
        self.assertEqual(self.queue("low"), [])

    def test_retry_by_hand_keeps_the_place(self):
        self.plant("r", "failed", started_at="s", ended_at="e", done="7", at={
            0: {"number": 7, "cursor": "c7", "item": 8, "tries": 2}, 1: {"state": "failed", "number": 3}})
        self.add_failed('{"payload":%s,"queue":"low","error":"x"}' % self.job_of("r", attempt=4))
        self.ok("retry", "r")
        self.assertEqual(self.parts("r"), {"0:number": "7", "0:cursor": "c7", "1:state": "failed",
                                           "1:number": "3"})
        record = self.record("r")
        self.assertEqual((record["state"], record["started_at"], record["done"]), ("queued", "s", "7"))
        self.assertNotIn("ended_at", record)
        self.assertEqual(json.loads(self.queue("low")[0])["drover"]["attempt"], 1)


class Log(RunsTest):
    def say(self, line, part="0"):
        return self.redis.call("XADD", self.key("r", ":log"), "*", "part", part, "line", line)

    def test_log(self):
        self.plant("r", "running")
        self.assertEqual(self.ok("log", "r"), "")
        self.say("one")
        self.say(b"t\xffwo\x1b", part="3")
        lines = self.ok("log", "r").splitlines()
        self.assertRegex(lines[0], r"^\S+Z  one$")
        self.assertRegex(lines[1], "^\\S+Z  p3  t\ufffdwo\\\\x1b$")
        self.assertEqual([(line["part"], line["line"]) for line in self.ask("log", "r")],
                         [(0, "one"), (3, "t\ufffdwo\x1b")])

    def test_long(self):
        self.plant("r", "done")
        for n in range(1200):
            self.say("line %d" % n)
        self.assertEqual([line["line"] for line in self.ask("log", "r")], ["line %d" % n for n in range(1200)])

    def follow(self, *words):
        return subprocess.Popen([program("drover"), "--redis", self.redis.url, "log", "r", "-f", *words],
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE, encoding="utf-8")

    def test_follow_ends_with_the_run(self):
        self.plant("r", "running")
        self.say("one")
        follower = self.follow()
        self.assertRegex(follower.stdout.readline(), "one$")
        self.say("two")
        self.assertRegex(follower.stdout.readline(), "two$")
        self.say("three")
        self.redis.call("HSET", self.key("r"), "state", "done")
        out, err = follower.communicate(timeout=60)
        self.assertRegex(out, "three\n$")
        self.assertEqual((follower.returncode, err), (0, ""))

    def test_follow_as_json(self):
        self.plant("r", "done")
        self.say("one")
        self.say("two")
        out, _ = self.follow("--json").communicate(timeout=60)
        self.assertEqual([json.loads(line)["line"] for line in out.splitlines()], ["one", "two"])

    def test_follow_ends_with_its_reader(self):
        self.plant("r", "running")
        self.say("one")
        follower = self.follow()
        follower.stdout.readline()
        follower.stdout.close()
        self.say("two")
        self.assertEqual(follower.wait(60), 0)
        follower.stderr.close()

    def test_follow_ends_with_the_record(self):
        self.plant("r", "running")
        self.say("one")
        follower = self.follow()
        follower.stdout.readline()
        self.redis.call("DEL", self.key("r"))
        follower.communicate(timeout=60)
        self.assertEqual(follower.returncode, 0)


if __name__ == "__main__":
    main()
