"""drover fsck, runs that iterate: every kind of finding planted by hand; and none while they go on."""

import json
import os
import sys
import threading

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
from each_rig import EachTest, filter_of, function_of, rows, sample_module  # noqa: E402
from fsck_bed import FsckTest, entry  # noqa: E402
from rig import command, main, payload  # noqa: E402

RUN = "drover:run:r"


def part_job(part, **members):
    more = {"attempt": 1, "interruptions": 0, "recoveries": 0, "parent": "r", "part": part}
    return payload("R", jid="r.p%d" % part, drover=dict(more, **members))


class Planted(FsckTest):
    def run_of_parts(self, **fields):
        """Three parts: one is done, one is paused, one waits in its queue."""
        record = dict({"state": "queued", "each": 1, "class": "R", "parts": 3, "parts_left": 2,
                       "done": 11, "errors": 1, "total": 30}, **fields)
        self.plant(
            ("HSET", RUN, *[w for pair in record.items() for w in pair]),
            ("HSET", RUN + ":parts", "0:state", "divided",
             "1:state", "done", "1:number", 10, "1:first", 0, "1:end", 10, "1:done", 9, "1:errors", 1,
             "11:state", "paused", "11:number", 12, "11:first", 10, "11:end", 20, "11:done", 2,
             "11:errors", 0, "21:state", "queued", "21:number", 20, "21:first", 20, "21:done", 0,
             "21:errors", 0),
            ("HSET", RUN + ":errors", 4, '{"item":"4","error":"no"}'),
            ("HSET", "drover:pause", "r", "1 why"),
            ("HSET", "drover:paused:jobs", "r.p11", "3 low " + part_job(11)),
            ("SADD", "queues", "low"), ("RPUSH", "queue:low", part_job(21)))

    def part(self, field):
        return self.redis.call("HGET", "resque:" + RUN + ":parts", field)

    def field(self, name):
        return self.redis.call("HGET", "resque:" + RUN, name)

    def test_as_it_should_be(self):
        self.run_of_parts()
        self.assertEqual(self.found(), [])
        for state in ("paused", "pausing", "cancelling", "running", "throttled"):
            self.plant(("HSET", RUN, "state", state))
            self.assertEqual(self.found(), [], state)

    # -- paused ----------------------------------------------------------------------------------
    def test_put_by_and_nobody_wants_that(self):
        self.run_of_parts()
        self.plant(("HDEL", "drover:pause", "r"))
        self.assertEqual(self.found(), [], "an item of that part failed: it waits for somebody")
        self.plant(("HSET", RUN + ":parts", "11:state", "running"))
        self.assertIn(("paused.unwanted", "drover:paused:jobs"), self.found())
        self.drover_fsck("--repair")
        self.assertEqual(self.found(), [])
        self.assertEqual(self.redis.call("LRANGE", "resque:queue:low", 0, -1),
                         [part_job(21), part_job(11)])
        self.assertEqual(self.part("11:state"), "queued")

    def test_put_by_without_a_record(self):
        self.plant(("HSET", "drover:paused:jobs", "x", "3 low " + payload("R", jid="x")))
        self.mends("paused.unwanted", "drover:paused:jobs")
        self.assertEqual(self.redis.call("LRANGE", "resque:queue:low", 0, -1), [payload("R", jid="x")])

    def test_wish_of_a_run_that_has_ended(self):
        self.plant(("HSET", RUN, "state", "cancelled"), ("PEXPIRE", RUN, 100000),
                   ("HSET", "drover:pause", "r", "1 "))
        self.mends("pause.idle", "drover:pause")

    def test_wish_of_a_run_that_is_not_there(self):
        self.plant(("HSET", "drover:pause", "r", "1 why"))
        self.mends("pause.idle", "drover:pause")

    # -- parts -----------------------------------------------------------------------------------
    def test_how_many_are_left(self):
        self.run_of_parts(parts_left=1)
        self.mends("parts.left", RUN)
        self.assertEqual(self.field("parts_left"), "2")

    def test_part_is_nowhere(self):
        self.run_of_parts()
        self.plant(("DEL", "queue:low"))
        self.leaves("part.lost", RUN)

    def test_all_parts_have_ended_and_nothing_is_left(self):
        self.run_of_parts(parts_left=0)
        self.plant(("DEL", "queue:low", "resque:drover:paused:jobs"),
                   ("HSET", RUN + ":parts", "11:state", "done", "21:state", "done"))
        self.leaves("run.lost", RUN)
        end = payload("R", jid="r.end", drover={"attempt": 1, "parent": "r", "part": -1})
        self.plant(("RPUSH", "queue:low", end))
        self.assertEqual(self.found(), [])

    def test_part_has_ended_and_stands_in_a_queue(self):
        self.run_of_parts()
        self.plant(("RPUSH", "queue:low", part_job(1)))
        self.mends("part.state", RUN)
        self.assertEqual((self.part("1:state"), self.field("parts_left")), ("queued", "3"))

    def test_part_runs_and_stands_in_a_queue(self):
        self.run_of_parts()
        self.plant(("HSET", RUN + ":parts", "21:state", "running"))
        self.mends("part.state", RUN)

    def test_part_stands_twice(self):
        self.run_of_parts()
        self.plant(("RPUSH", "queue:low", part_job(11)))
        self.assertIn("job.twice", [kind for kind, _ in self.found()])

    def test_part_is_beyond_its_end(self):
        self.run_of_parts()
        self.plant(("HSET", RUN + ":parts", "11:number", 21))
        self.leaves("part.bounds", RUN)

    def test_part_is_before_its_beginning(self):
        self.run_of_parts()
        self.plant(("HSET", RUN + ":parts", "11:number", 9))
        self.leaves("part.bounds", RUN)

    # -- counts ----------------------------------------------------------------------------------
    def test_sums(self):
        for done, errors in ((12, 1), (10, 1), (10, 2)):
            self.redis.call("FLUSHALL")
            self.run_of_parts(done=done, errors=errors)
            found = self.found()
            self.assertIn(("run.sums", RUN), found)
            self.assertTrue(set(found) <= {("run.sums", RUN), ("run.errors", RUN)})
            self.drover_fsck("--repair")
            self.assertEqual((self.field("done"), self.field("errors")), ("11", "1"))
            self.assertEqual(self.found(), [])

    def test_healed_items_are_no_fault(self):
        self.run_of_parts(done=12, errors=0)
        self.plant(("DEL", RUN + ":errors"))
        self.assertEqual(self.found(), [])

    def test_errors_that_are_not_listed(self):
        self.run_of_parts()
        self.plant(("DEL", RUN + ":errors"))
        self.leaves("run.errors", RUN)

    def test_errors_that_are_not_counted(self):
        """While it goes on more may be listed: they are counted a moment later."""
        self.plant(("HSET", RUN, "state", "done", "done", 1, "errors", 3), ("PEXPIRE", RUN, 100000),
                   ("HSET", RUN + ":parts", "0:state", "done", "0:number", 4, "0:done", 1, "0:errors", 3),
                   ("HSET", RUN + ":errors", 2, '{"item":"[2,3]","count":2}'))
        self.leaves("run.errors", RUN)
        self.plant(("HSET", RUN + ":errors", 4, '{"item":"4"}'))
        self.assertEqual(self.found(), [])
        self.plant(("HSET", RUN + ":errors", 5, '{"item":"5"}'))
        self.leaves("run.errors", RUN)

    # -- what is left behind ---------------------------------------------------------------------
    def test_keys_without_a_record(self):
        self.plant(("HSET", RUN + ":parts", "0:state", "done"), ("HSET", RUN + ":errors", 1, "{}"),
                   ("XADD", RUN + ":log", "*", "part", 0, "line", "x"), ("RPUSH", RUN + ":audit", "{}"))
        want = [("run.remains", RUN + end) for end in (":audit", ":errors", ":log", ":parts")]
        self.assertEqual(sorted(self.found()), want)
        self.assertTrue(self.drover_fsck("--repair")["ok"])
        self.assertEqual(self.found(), [])
        self.assertGreater(self.redis.call("PTTL", "resque:" + RUN + ":log"), 0)

    def test_pieces_of_a_file(self):
        self.plant(("SET", "drover:csv:u:0", "x", "PX", 100000))
        self.leaves("csv.chunk", "drover:csv:u:0", notice=True)
        self.plant(("HSET", "drover:csv:u", "bytes", 1), ("PEXPIRE", "drover:csv:u", 100000))
        self.assertEqual(self.found(), [])
        self.plant(("PERSIST", "drover:csv:u"))
        self.mends("csv.forever", "drover:csv:u")
        self.plant(("PERSIST", "drover:csv:u:0"))
        self.mends("csv.forever", "drover:csv:u:0")

    def test_entry_that_says_there_is_a_record(self):
        lease = self.lives()
        self.plant(("HSET", lease, "#main", 1, "main.1.1", entry(payload("A", jid="c"), mark="marked")))
        self.leaves("lease.record", lease)
        self.plant(("HSET", "drover:run:c", "state", "running"))
        self.assertEqual(self.found(), [])
        self.plant(("HSET", lease, "main.1.1", entry(part_job(1), mark="marked")),
                   ("DEL", "drover:run:c"), ("HSET", RUN, "state", "running"))
        self.assertEqual(self.found(), [])


class AtWork(EachTest):
    """Nothing is found while runs go on, are paused and resumed, and supervisors die."""

    LOOKS = 60
    conserves = False  # a run that is cancelled while it waits is taken out, and counted as nothing

    def look(self, told, enough):
        for _ in range(self.LOOKS):
            told.append(command("drover", "--redis", self.redis.url, "fsck", "--json"))
        enough.set()

    def test_no_false_alarm(self):
        rows(self.path("rows.csv"), 4000)
        through = filter_of(self.ledger, 3, on_item_error="skip", max_item_errors=10000)
        drover = self.drover(
            {"Rows": dict(through, each={"csv": self.path("rows.csv")}, parallel=3),
             "Numbers": dict(through, each={"range": "1..100000"}, max_items=20),
             "Items": function_of(each={"range": "1..100000"}, parallel=2)},
            supervisor={"flush": "50ms"}, modules=[sample_module()],
            pools={"main": {"workers": 6, "queues": ["default"]}})
        runs = [self.run_job(cls, cls, self.ledger.path, 3) for cls in ("Rows", "Numbers", "Items")]
        told, enough, turn = [], threading.Event(), 0
        looking = threading.Thread(target=self.look, args=(told, enough))
        self.until(lambda: all(self.ledger.count(run) > 3 for run in runs), "all to begin")
        looking.start()
        while not enough.is_set():
            verb = ("pause", "resume")[turn % 2]
            command("drover", "--redis", self.redis.url, verb, runs[turn // 2 % 3])
            if turn % 7 == 6:
                drover.kill()
                drover.start()
            turn += 1
        looking.join()
        for run in runs:
            command("drover", "--redis", self.redis.url, "cancel", run)
        for run in runs:
            self.until_state(run, "cancelled")
        for code, out, err in told:
            wrong = [f for f in json.loads(out)["findings"] if f["level"] == "finding"]
            self.assertEqual((code, err, wrong), (0, "", []))


if __name__ == "__main__":
    main()
