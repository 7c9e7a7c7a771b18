"""What Resque's own tools see: workers, records, statistics, and payloads of its real clients."""

import json
import os
import re
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
from rig import SystemTest, main, sh  # noqa: E402
from vectors import queues, vector  # noqa: E402

ID = re.compile(r"^rig\.(\d+):(\d+):critical,default,low$")


class View(SystemTest):
    def test_worker_ids(self):
        drover = self.drover({"Note": self.note()})
        matches = [ID.match(worker) for worker in self.workers()]
        self.assertTrue(all(matches), self.workers())
        self.assertEqual([match.group(1) for match in matches], ["1", "2"])
        self.assertEqual({int(match.group(2)) for match in matches}, {drover.pid})

    def test_id_of_globs_and_negations(self):  # vector 31
        self.drover({"Note": self.note()},
                    pools={"main": {"workers": 1, "queues": ["high", "*", "!skip_*"]}})
        self.assertEqual(self.workers()[0].split(":", 2)[2], "high,*")

    def test_host_part_is_made_safe(self):
        self.drover({"Note": self.note()}, supervisor={"name": "a:b/c,d e"})
        self.assertTrue(self.workers()[0].startswith("a-b-c-d-e.1:"), self.workers())

    def test_started_and_heartbeat(self):
        self.drover({"Note": self.note()})
        for worker in self.workers():
            started = self.redis.call("GET", "resque:worker:%s:started" % worker)
            self.assertRegex(started, r"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d \+0000$")
            beat = self.redis.call("HGET", "resque:workers:heartbeat", worker)
            self.assertRegex(beat, r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+00:00$")
            self.assertIsNone(self.redis.call("GET", "resque:worker:" + worker))

    def test_record_of_a_job_in_progress(self):  # vector 11
        self.drover({"Gate": self.gate()})
        item = '{"class":"Gate","args":[1180591620717411303424,[],{}],"meta":{"n":7.10}}'
        self.push("default", item)
        self.until_begun()
        records = [r for r in (self.redis.call("GET", "resque:worker:" + w)
                               for w in self.workers()) if r]
        self.assertEqual(len(records), 1)
        self.assertRegex(records[0], r'^\{"queue":"default","run_at":"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ"'
                         r',"payload":\{.*\}\}$')
        self.assertIn('"args":[1180591620717411303424,[],{}],"meta":{"n":7.10}', records[0])
        self.open_gate()
        self.until_processed(1)
        self.until(lambda: not [w for w in self.workers()
                                if self.redis.call("EXISTS", "resque:worker:" + w)],
                   "no worker to be at work")

    def test_paused_by_resques_key(self):  # vector 32
        self.redis.call("SET", "resque:pause-all-workers", " TRUE\n")
        self.drover({"Note": self.note()})
        self.enqueue("default", "Note", 1)
        self.until_polled()
        self.assertEqual(self.size("default"), 1)
        self.redis.call("SET", "resque:pause-all-workers", "false")
        self.until_processed(1)
        self.redis.call("DEL", "resque:pause-all-workers")

    def until_polled(self):
        """Until droverd asked Redis a few more times: only then has it had its chance."""
        def calls():
            info = self.redis.call("INFO", "commandstats")
            return sum(map(int, re.findall(r"cmdstat_evalsha(?:_ro)?:calls=(\d+)", info)))
        before = calls()
        self.until(lambda: calls() >= before + 5, "droverd to poll")

    def test_what_resque_web_reads(self):  # vectors e0 to e5
        jobs = {"Gate": self.gate(), "Fail": sh("exit 1"), "Crash": sh("kill -9 $$")}
        self.drover(jobs)
        for cls in ("Fail", "Crash", "Nobody"):
            self.enqueue("low", cls, cls)
        self.push("low", "not json", "[1]", "null")
        self.until_processed(6)
        self.enqueue("critical", "Gate", "<b>")
        self.until_begun()
        self.enqueue("default", "Gate", 2)
        self.until_begun(2)
        self.enqueue("default", "Gate", 3)
        for name in ("e0", "e1", "e2", "e3", "e4", "e5"):
            self.replay_reads(vector(name))
        self.assert_failures_can_be_shown()
        self.open_gate()
        self.until_processed(9)

    def replay_reads(self, scenario):
        """Asks what the page asked, with our own ids, and judges by section 8 of the contract."""
        for record in scenario["commands"]:
            verb, words = record["argv"][0].lower(), record["argv"][1:]
            if verb == "get" and re.match(r"^resque:worker:[^:]+:\d+:.*", words[0]) and \
               not words[0].endswith(":started"):
                for worker in self.workers():
                    value = self.redis.call("GET", "resque:worker:" + worker)
                    if value is not None:
                        self.assertEqual(list(json.loads(value)), ["queue", "run_at", "payload"])
            elif verb == "smembers":
                self.assertTrue(self.redis.call("SMEMBERS", words[0]))
            elif verb in ("llen", "scard", "hlen", "type", "keys"):
                self.redis.call(verb, *words)
        for worker in self.workers():
            self.assertEqual(worker.count(":"), 2)
            self.assertTrue(worker.split(":")[2])
            self.assertNotIn("/", worker)
            for key in ("processed", "failed"):
                value = self.redis.call("GET", "resque:stat:%s:%s" % (key, worker))
                self.assertRegex(value or "0", r"^\d+$")

    def assert_failures_can_be_shown(self):
        for record in self.failed():
            self.assertIsInstance(record["worker"], str)
            self.assertRegex(record["failed_at"], r"^\d{4}/\d\d/\d\d \d\d:\d\d:\d\d UTC$")
            self.assertIsInstance(record["backtrace"], list)
            self.assertIsInstance(record["payload"], (dict, str))
            self.assertIsInstance(record["error"], str)

    def test_a_foreign_worker_is_left_alone(self):
        foreign = "rig:99999:critical,default,low"
        self.redis.call("SADD", "resque:workers", foreign)
        self.redis.call("SET", "resque:worker:%s:started" % foreign, "2026-11-21 14:28:10 +0000")
        drover = self.drover({"Note": self.note()})
        self.enqueue("default", "Note", 1)
        self.until_processed(1)
        drover.term()
        self.assertEqual(self.workers(), [foreign])
        self.redis.call("DEL", "resque:workers", "resque:worker:%s:started" % foreign)

    def test_a_foreign_worker_that_died_long_ago_is_pruned(self):  # vector 50
        self.conserves = False  # the dead worker's job was never ours
        dead = "app9.example:4242:default"
        self.redis.call("SADD", "resque:workers", dead)
        self.redis.call("SET", "resque:worker:" + dead, json.dumps({
            "queue": "default", "run_at": "2026-11-21T19:26:23Z",
            "payload": {"class": "Archive", "args": [1]}}))
        self.redis.call("HSET", "resque:workers:heartbeat", dead, "2020-01-01T00:00:00+00:00")
        self.drover({"Note": self.note()})
        self.until(lambda: dead not in self.workers(), "the dead worker to be pruned")
        record = self.until_failed(1)[0]
        self.assertEqual(record["exception"], "Resque::PruneDeadWorkerDirtyExit")
        self.assertIn(dead, record["error"])
        self.assertEqual(record["payload"], {"class": "Archive", "args": [1]})


class Replay(SystemTest):
    """Jobs enqueued by real clients are run, with the very bytes of their arguments."""

    def run_vector(self, name):
        waiting = queues(vector(name)["after"])
        self.assertTrue(waiting, "the vector enqueues")
        self.drover({"*": sh("cat > %s/$DROVER_JID" % self.path("args"))},
                    pools={"main": {"workers": 2, "queues": ["*"]}})
        os.mkdir(self.path("args"))
        for queue, items in waiting.items():
            self.push(queue, *items)
        count = sum(map(len, waiting.values()))
        self.until_processed(count)
        self.assertEqual(self.failed(), [])
        given = sorted(self.read("args/" + jid) for jid in os.listdir(self.path("args")))
        self.assertEqual(given, sorted(map(args_text, sum(waiting.values(), []))))

    def test_enqueue_plain(self):
        self.run_vector("01")

    def test_unicode_and_nested(self):
        self.run_vector("02")

    def test_large_arguments(self):
        self.run_vector("03")

    def test_enqueue_to_odd_names(self):
        self.run_vector("04")

    def test_raw_push(self):
        self.run_vector("05")

    def test_active_job(self):
        self.run_vector("90")

    def test_active_job_with_a_queue_of_its_own(self):
        self.run_vector("91")

    def test_active_job_escaped(self):
        self.run_vector("94")


def args_text(item):
    """The bytes of `args` in a payload as Resque's client writes it (no blanks in between)."""
    start = item.index('"args":') + len('"args":')
    depth, quoted, i = 0, False, start
    while True:
        c = item[i]
        if quoted:
            i += c == "\\"
            quoted = c != '"'
        elif c == '"':
            quoted = True
        elif c in "[{":
            depth += 1
        elif c in "]}":
            depth -= 1
            if depth == 0:
                return item[start:i + 1]
        i += 1


if __name__ == "__main__":
    main()
