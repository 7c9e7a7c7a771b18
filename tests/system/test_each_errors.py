"""Iterating jobs: items that fail, kill, hang; set aside, and tried again."""

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
from each_shell import ShellTest  # noqa: E402
from rig import main, sample_module  # noqa: E402


class Errors(ShellTest):
    def test_a_poison_item_is_set_aside(self):
        drover = self.drover({"Run": self.filter(before="[ $item = 50 ] && kill -SEGV $$;", on_item_error="skip",
                                                 item_backoff={"first": "10ms"})})
        self.run_job("Run", 100)
        self.until_processed(1)
        self.assertEqual(len(set(self.items())), 99)
        said = drover.events("job.item_aside")
        self.assertEqual([(e["item"], e["tries"]) for e in said], [(50, 2)])
        self.assertIn("SIGSEGV", said[0]["error"])
        self.assertEqual((self.record("run", "done"), self.record("run", "errors")), ("99", "1"))
        self.assertEqual(list(self.errors()), [50])
        self.assertIn("SIGSEGV", self.errors()[50]["error"])
        self.assertEqual(self.record("run", "state"), "done")

    def test_an_item_that_kills_its_child_too(self):
        drover = self.drover({"Run": {"each": {"range": "1..20"}, "function": "item_crash", "on_item_error": "skip"}},
                             modules=[sample_module()])
        self.run_job("Run", 7)
        self.until_processed(1)
        self.assertEqual((self.record("run", "done"), self.record("run", "errors")), ("19", "1"), drover.log())
        error = list(self.errors().values())[0]
        self.assertEqual(error["attempts"], 2)

    def test_a_timeout_is_for_one_item(self):
        self.drover({"Run": self.filter(before="[ $item = 3 ] && sleep 60;", on_item_error="skip", timeout="1s")})
        self.run_job("Run", 5)
        self.until_processed(1)
        self.assertEqual(self.items(), ["1", "2", "4", "5"])
        self.assertIn("timeout is 1s", self.errors()[3]["error"])

    def test_many_items_may_take_longer_than_the_timeout(self):
        self.drover({"Run": self.filter(before="sleep 0.1;", timeout="2s")})
        self.run_job("Run", 30)
        self.until_processed(1)
        self.assertEqual((self.record("run", "done"), self.failed()), ("30", []))

    def test_memory_of_an_item(self):
        eat = "[ $item = 2 ] && python3 -c 'x = b\"x\" * (300 << 20); import time; time.sleep(30)';"
        self.drover({"Run": self.filter(before=eat, on_item_error="skip", memory="64M")})
        self.run_job("Run", 3)
        self.until_processed(1)
        self.assertEqual(sorted(self.items()), ["1", "3"])
        self.assertIn("memory", self.errors()[2]["error"])

    def test_ten_items_fail_are_healed_and_retried_alone(self):
        answer = "if [ $((item %% 10)) = 0 ] && [ ! -e %s ]; then echo fail no luck with $item; else echo ok; fi" % self.path("go")
        self.drover({"Run": self.filter(answer=answer, on_item_error="skip")})
        self.run_job("Run", 100)
        self.until_processed(1)
        self.assertEqual(sorted(self.errors()), list(range(10, 101, 10)))
        self.assertEqual(self.errors()[20]["error"], "no luck with 20")
        self.assertEqual((self.record("run", "done"), self.record("run", "errors")), ("90", "10"))
        os.unlink(self.path("items"))
        self.open_gate()
        self.cli("retry-errors", "run")
        self.enqueued += 1
        self.until_processed(2)
        self.assertEqual(self.items(), [str(n) for n in range(10, 101, 10)])
        self.assertEqual((self.record("run", "done"), self.record("run", "errors"), self.errors()), ("100", "0", {}))

    def retry_errors(self, processed):
        self.cli("retry-errors", "run")
        self.enqueued += 1
        self.until_processed(processed)

    def test_a_batch_that_fails_again_and_again(self):
        answer = "case $item in *7*) [ -e %s ] && echo ok || echo fail seven;; *) echo ok;; esac" % self.path("go")
        self.drover({"Run": self.filter(answer=answer, batch=4, on_item_error="skip")})
        self.run_job("Run", 20)
        self.until_processed(1)
        for rounds in (1, 2):
            counts = self.record("run", "done"), self.record("run", "errors")
            self.assertEqual((counts, sorted(self.errors())), (("12", "8"), [5, 17]))
            self.assertEqual({(e["count"], e["cursor"]) for e in self.errors().values()}, {(4, "4"), (4, "16")})
            self.retry_errors(1 + rounds)
        self.open_gate()
        self.retry_errors(4)
        self.assertEqual((self.record("run", "done"), self.record("run", "errors"), self.errors()), ("20", "0", {}))

    def test_items_that_are_not_kept_whole_are_read_again(self):
        """Too long for the list of errors, or no UTF-8."""
        lines = [b"short", b"x" * 30000, b"caf\xe9", b"end"]
        with open(self.path("lines"), "wb") as file:
            file.write(b"".join(line + b"\n" for line in lines))
        self.drover({"Run": self.filter(each={"lines": self.path("lines")}, on_item_error="skip",
                                        answer="[ -e %s ] && echo ok || echo fail no" % self.path("go"))})
        self.run_job("Run")
        self.until_processed(1)
        self.assertEqual({n: e.get("cut", False) for n, e in self.errors().items()}, {1: False, 2: True, 3: True, 4: False})
        self.retry_errors(2)
        self.assertEqual({n: e.get("cut", False) for n, e in self.errors().items()}, {1: False, 2: True, 3: True, 4: False})
        os.unlink(self.path("items"))
        self.open_gate()
        self.retry_errors(3)
        self.assertEqual(self.items(), [line.decode(errors="surrogateescape") for line in lines])
        self.assertEqual((self.record("run", "done"), self.record("run", "errors"), self.errors()), ("4", "0", {}))

    def test_stop_is_a_failure_and_retry_goes_on_there(self):
        answer = "if [ $item = 4 ] && [ ! -e %s ]; then echo fail broken; else echo ok; fi" % self.path("go")
        self.drover({"Run": self.filter(answer=answer, retries=3)})
        self.run_job("Run", 8)
        record = self.until_failed(1)[0]
        self.assertEqual(record["exception"], "Drover::ItemErrors")
        self.assertIn("item 4: broken", record["error"])
        self.open_gate()
        self.cli("retry", "0")
        self.until_state("done")
        self.assertEqual(self.items(), ["1", "2", "3", "4", "4", "5", "6", "7", "8"])
        self.redis.call("INCRBY", "resque:stat:failed", -1)  # its record was taken out by hand
        self.redis.call("INCRBY", "resque:stat:processed", -1)

    def test_pause_waits_for_somebody(self):
        answer = "if [ $item = 4 ] && [ ! -e %s ]; then echo fail broken; else echo ok; fi" % self.path("go")
        drover = self.drover({"Run": self.filter(answer=answer, on_item_error="pause")})
        self.run_job("Run", 8)
        self.until_state("paused")
        self.assertIn("item 4: broken", self.record("run", "reason"))
        self.assertEqual((self.paused(), self.lease_entries()), (1, {}))
        self.open_gate()
        self.cli("resume", "run")
        self.until_processed(1)
        self.assertEqual(self.record("run", "done"), "8")
        self.assertTrue(drover.running)

    def test_an_item_is_tried_so_often(self):
        answer = "echo retry not yet"
        self.drover({"Run": self.filter(answer=answer, item_retries=2, on_item_error="skip",
                                        item_backoff={"first": "1ms"})})
        self.run_job("Run", 2)
        self.until_processed(1)
        self.assertEqual(self.items(), ["1", "1", "1", "2", "2", "2"])
        self.assertEqual([e["attempts"] for e in self.errors().values()], [3, 3])

    def test_a_long_back_off_holds_no_worker(self):
        self.drover({"Run": self.filter(answer="if [ -e %s ]; then echo ok; else echo retry; fi" % self.path("go"), item_retries=5,
                                        item_backoff={"kind": "constant", "first": "6s", "jitter": "none"})})
        self.run_job("Run", 1)
        self.until_state("interrupted")
        self.assertEqual((self.delayed(), self.lease_entries()), (1, {}))
        self.open_gate()
        self.until_processed(1)
        self.assertEqual(self.items(), ["1", "1"])

    def test_too_many_errors(self):
        self.drover({"Run": self.filter(answer="echo fail no", on_item_error="skip", max_item_errors=3)})
        self.run_job("Run", 10)
        record = self.until_failed(1)[0]
        self.assertEqual(record["exception"], "Drover::ItemErrors")
        self.assertEqual(len(self.errors()), 3)

    def test_abort(self):
        self.drover({"Run": self.filter(answer="[ $item = 3 ] && echo abort no more || echo ok", retries=3)})
        self.run_job("Run", 10)
        record = self.until_failed(1)[0]
        self.assertIn("no more", record["error"])
        self.assertEqual(self.items(), ["1", "2", "3"])

    def test_a_collection_that_is_not_there(self):
        self.drover({"Run": self.filter(each={"csv": "/nowhere/at/all.csv"})})
        self.run_job("Run")
        record = self.until_failed(1)[0]
        self.assertEqual(record["exception"], "Drover::Collection")
        self.assertIn("/nowhere/at/all.csv", record["error"])

    def test_an_argument_that_is_missing(self):
        self.drover({"Run": self.filter()})
        self.run_job("Run")
        record = self.until_failed(1)[0]
        self.assertEqual(record["exception"], "Drover::Collection")
        self.assertIn("args.0", record["error"])

    def test_errors_wait_for_redis_and_are_kept(self):
        drover = self.drover({"Run": self.filter(before="sleep 0.01;", answer="[ $item = 20 ] && echo fail no || echo ok",
                                                 on_item_error="skip")}, supervisor={"lease": "10s"})
        self.run_job("Run", 40)
        self.until_items(5)
        self.redis.pause()
        self.until_items(20)
        self.redis.go_on()
        self.until_processed(1)
        self.assertEqual((list(self.errors()), self.record("run", "done")), ([20], "39"))
        self.assertTrue(drover.running)


if __name__ == "__main__":
    main()
