"""runs: every verb in every state, and what stands in Redis afterwards."""

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
from cli import RunsTest  # noqa: E402
from rig import main  # noqa: E402

STATES = ["queued", "delayed", "parked", "running", "throttled", "interrupted", "retrying", "pausing",
          "paused", "cancelling", "cancelled", "failed", "done"]
WAITS = ["queued", "delayed", "parked", "throttled", "interrupted", "retrying"]
ENDED = ["cancelled", "failed", "done"]


class States(RunsTest):
    holds = False  # a run is planted in every state, also in those of a supervisor that is not there

    def scene(self, state):
        """A run r in this state, and its job where it belongs."""
        self.redis.call("FLUSHALL")
        self.plant("r", state, at={0: {"number": 7, "cursor": "c7"}})
        job = self.job_of("r")
        if state == "queued":
            self.push("low", job)
        elif state in ("delayed", "interrupted", "retrying", "throttled"):
            self.redis.call("HSET", "resque:drover:delayed:jobs", "r", "delayed 3 low " + job)
            self.redis.call("ZADD", "resque:drover:delayed", self.now() + 3600000, "r")
        elif state == "parked":
            self.redis.call("RPUSH", "resque:drover:parked:Rows", "3 low " + job)
            self.redis.call("SADD", "resque:drover:parked", "Rows")
        elif state == "paused":
            self.put_by("low", job)
            self.redis.call("HSET", "resque:drover:pause", "r", "1 why")
        elif state == "pausing":
            self.redis.call("HSET", "resque:drover:pause", "r", "1 why")
        elif state == "failed":
            self.redis.call("RPUSH", "resque:failed", '{"payload":%s,"queue":"low","error":"x"}' % job)

    def everything(self):
        """All of it, but for what counts changes and when they were."""
        def value(key):
            kind = self.redis.call("TYPE", key)
            read = {"hash": ["HGETALL", key], "list": ["LRANGE", key, 0, -1], "set": ["SMEMBERS", key],
                    "zset": ["ZRANGE", key, 0, -1], "string": ["GET", key]}
            return self.redis.call(*read[kind])
        return {key: value(key) for key in self.redis.keys() if not key.endswith(":runs")}

    def drive(self, verb, legal, *words, refusal="%s is %s"):
        """The verb in every state: legal[state] is the state it leaves; else it changes nothing."""
        for state in STATES:
            with self.subTest(verb=verb, state=state):
                self.scene(state)
                before = self.everything()
                code, out, err = self.cli(verb, "r", *words)
                if state in legal:
                    self.assertEqual((code, err), (0, ""), out)
                    self.assertEqual(self.record("r")["state"], legal[state])
                else:
                    self.assertEqual(code, 1, out)
                    self.assertIn(refusal % ("r", state), err)
                    self.assertEqual(self.everything(), before)

    def test_pause(self):
        legal = {state: state for state in WAITS}
        legal.update(running="pausing", pausing="pausing")
        self.drive("pause", legal, "--reason", "disk")
        self.scene("queued")
        self.ok("pause", "r", "--reason", "disk")
        self.assertRegex(self.redis.call("HGET", "resque:drover:pause", "r"), r"^\d{13} disk$")

    def test_resume(self):
        self.drive("resume", {"paused": "queued", "pausing": "running"})

    def test_resume_of_a_wish(self):
        for state in WAITS:
            self.scene(state)
            self.ok("pause", "r")
            self.assertEqual(self.ok("resume", "r"), "resumed: it had not been stopped yet\n")
            self.assertEqual(self.record("r")["state"], state)
            self.assertEqual(self.redis.call("HLEN", "resque:drover:pause"), 0)

    def test_rate(self):
        going = [state for state in STATES if state not in ENDED + ["cancelling"]]
        self.drive("rate", {state: state for state in going}, "50/s")

    def test_cancel(self):
        legal = {state: "cancelled" for state in WAITS + ["paused", "failed"]}
        legal.update({state: "cancelling" for state in ("running", "pausing", "cancelling")})
        legal["cancelled"] = "cancelled"  # twice is no error
        self.drive("cancel", legal, refusal="%s could not be cancelled: it is %s already")
        for state in WAITS + ["paused", "failed"]:
            self.scene(state)
            self.ok("cancel", "r")
            self.assertEqual(sorted(set(self.redis.keys()) - {"resque:queues"}),
                             sorted([self.key("r"), self.key("r", ":audit"), self.key("r", ":parts"),
                                     "resque:drover:runs"]), state)
            for end in ("", ":audit", ":parts"):
                self.assertGreater(self.redis.call("PTTL", self.key("r", end)), 6 * 86400000)

    def test_retry_errors(self):
        for state in STATES:
            self.scene(state)
            self.refused(1, "r is %s" % state, "retry-errors", "r")
            self.redis.call("HSET", self.key("r", ":errors"), "3", "{}")
            if state == "done":
                self.assertEqual(self.ask("retry-errors", "r")["items"], 1)
                self.assertEqual(self.record("r")["state"], "queued")
            elif state == "failed":
                self.refused(1, "r is failed: it goes on with `retry r`; the items that failed are for "
                             "when it is done", "retry-errors", "r")
            else:
                self.refused(1, "r is %s: it cannot be retried" % state, "retry-errors", "r")

    def test_retry(self):
        for state in STATES:
            self.scene(state)
            if state == "failed":
                self.ok("retry", "r")
                self.assertEqual(self.record("r")["state"], "queued")
            else:
                self.refused(66, "no failed record", "retry", "r")

    def test_a_job_that_does_not_iterate(self):
        for state in STATES:
            self.scene(state)
            self.redis.call("HDEL", self.key("r"), "each")
            if state in WAITS:
                self.ok("pause", "r")
            elif state == "running":
                self.refused(1, "running and does not iterate: it cannot be paused", "pause", "r")
            if state not in ENDED + ["cancelling"]:
                self.refused(1, "does not iterate: it cannot be given a rate", "rate", "r", "1/s")

    def test_without_a_record(self):
        for verb in (["pause"], ["resume"], ["rate", "1/s"], ["retry-errors"], ["errors"], ["log"]):
            self.refused(66, "no record of a run r", verb[0], "r", *verb[1:])
            self.refused(66, "cannot be the id", verb[0], "r/1", *verb[1:])
        self.refused(66, "no job r", "run-show", "r")
        self.push("low", '{"class":"A","jid":"r"}')
        self.refused(66, "no record of a run r", "run-show", "r")
        self.assertEqual(self.redis.keys(), ["resque:queue:low", "resque:queues"])


if __name__ == "__main__":
    main()
