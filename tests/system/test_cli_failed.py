"""drover: the failed list; what is retried keeps its bytes, what is refused stays."""

import json
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
from cli import CliTest, record  # noqa: E402
from rig import main, payload  # noqa: E402


class Failed(CliTest):
    def setUp(self):
        super().setUp()
        self.good = '{"class":"Mail","args":[1.10,[]],"jid":"j1","other":{"b":[]}}'
        self.add_failed(record(self.good), record('"junk"', "it is no JSON"), "no record",
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
        self.add_failed(record(self.good))
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
        self.add_failed(*[record(payload("Mail", n, jid="m%d" % n), str(n)) for n in range(250)])
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
        self.add_failed(*[record(payload("Mail", n, jid="m%d" % n), str(n)) for n in range(250)])
        self.assertEqual(self.ask("failed", "remove", "1"), {"removed": 1})
        self.assertEqual(self.ask("failed", "remove", "j2"), {"removed": 1})
        self.refused(66, "job j2", "failed", "remove", "j2")
        self.assertEqual(self.ask("failed", "remove", "--class", "Mail"), {"removed": 251})
        self.assertEqual(self.list(), ["no record"])
        self.assertEqual(self.ask("failed", "clear"), {"removed": 1})
        self.assertEqual(self.redis.keys(), [])


if __name__ == "__main__":
    main()
