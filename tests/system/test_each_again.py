"""Iterating jobs that go on by somebody's hand: after a failure, a pause, and over what failed."""

import os
import signal
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
from each_shell import ShellTest  # noqa: E402
from rig import command, main  # noqa: E402

THREE = {"main": {"workers": 3, "queues": ["default"]}}


class Again(ShellTest):
    conserves = False  # what failed and is retried was counted as an end, and ends once more

    def unless_open(self, items, word):
        """An answer that is `word` for these items (a shell pattern) until the gate is open."""
        return "case $item in %s) [ -e %s ] && echo ok || echo %s;; *) echo ok;; esac" % (items, self.path("go"), word)

    def counts(self):
        return tuple(self.record("run", field) or "0" for field in ("state", "done", "errors"))

    def test_a_failed_run_goes_on_before_its_errors_do(self):
        self.drover({"Run": self.filter(answer=self.unless_open("[234]", "fail no"), on_item_error="skip",
                                        max_item_errors=2, then={"class": "Note"}), "Note": self.note()})
        self.run_job("Run", 30)
        self.until_failed(1)
        self.assertEqual(self.counts(), ("failed", "1", "2"))
        self.open_gate()
        code, _, err = command("drover", "--redis", self.redis.url, "retry-errors", "run")
        self.assertEqual((code, err.split(":")[1]), (1, " run is failed"))
        self.cli("retry", "run")
        self.until_state("done")
        self.assertEqual(self.counts(), ("done", "28", "2"))
        self.cli("retry-errors", "run")
        self.until(lambda: self.counts() == ("done", "30", "0"), "the errors to be done")
        self.assertEqual(self.failed(), [])
        self.until(lambda: self.noted() == [[]], "one job to follow")

    def test_a_run_paused_for_an_item_tries_it_anew(self):
        self.drover({"Run": self.filter(answer=self.unless_open("3", "retry no"), on_item_error="pause", item_retries=2,
                                        item_backoff={"first": "1ms"})})
        self.run_job("Run", 5)
        for tries in (3, 6):
            self.until_state("paused")
            self.assertEqual(self.items().count("3"), tries)
            if tries == 6:
                self.open_gate()
            self.cli("resume", "run")
            self.until(lambda: self.items().count("3") > tries, "another try")  # noqa: B023
        self.until_processed(1)
        self.assertEqual(self.counts()[:2], ("done", "5"))

    def test_parts_that_were_stopped_for_one_are_retried(self):
        self.drover({"Run": self.filter(before="sleep 0.01;", answer=self.unless_open("3", "fail no"), parallel=3,
                                        on_part_failure="stop", on_cancel={"class": "Note", "args": ["cancelled"]}),
                     "Note": self.note()}, pools=THREE)
        self.run_job("Run", 200)
        self.until_failed(1)
        self.open_gate()
        self.cli("retry", "run")
        self.until_state("done")
        self.assertEqual((self.counts(), self.noted(), self.failed()), (("done", "200", "0"), [], []))

    def test_resumed_before_it_was_paused(self):
        self.drover({"Run": self.gated(3)})
        self.run_job("Run", 6)
        self.until_items(2)
        self.until(lambda: self.part("number") == "2", "the item before to be known")
        self.cli("pause", "run")
        self.until_state("pausing")
        self.cli("resume", "run")
        self.open_gate()
        self.until_processed(1)
        self.assertEqual((self.counts()[:2], self.items()), (("done", "6"), [str(n) for n in range(1, 7)]))

    def end_fails(self):
        """A run in parts that fails when all of them are done."""
        self.drover({"Run": self.filter(parallel=3, on_complete=["/usr/bin/test", "-e", self.path("go")],
                                        then={"class": "Note"}), "Note": self.note()}, pools=THREE)
        self.run_job("Run", 30)
        self.until_failed(1)

    def test_the_end_of_all_parts_is_retried_as_the_run(self):
        self.end_fails()
        self.open_gate()
        self.cli("retry", "run")
        self.until_state("done")
        self.until(lambda: self.noted() == [[]], "one job to follow")
        self.assertEqual((self.counts(), self.failed()), (("done", "30", "0"), []))
        self.assertIsNone(self.record("run", "exception"))

    def test_the_end_of_all_parts_is_cancelled_as_the_run(self):
        self.end_fails()
        self.cli("cancel", "run")
        self.assertEqual((self.record("run", "state"), self.failed(), self.noted()), ("cancelled", [], []))

    def test_what_follows_follows_once(self):
        self.drover({"Run": self.filter(answer=self.unless_open("3", "fail no"), on_item_error="skip", item_retries=0,
                                        then={"class": "Note", "args": ["then"]},
                                        on_cancel={"class": "Note", "args": ["cancelled"]}), "Note": self.note()})
        self.run_job("Run", 5)
        self.until(lambda: self.noted() == [["then"]], "the job that follows")
        self.cli("pause", "--all", "--reason", "a look")
        self.cli("retry-errors", "run")
        self.cli("cancel", "run")
        self.cli("resume", "--all")
        self.until_state("cancelled")
        self.enqueue("default", "Note", "last")
        self.until(lambda: len(self.noted()) == 2, "the last job")
        self.assertEqual(self.noted(), [["then"], ["last"]])

    def test_on_start_once_though_its_child_dies(self):
        drover = self.drover({"Run": self.gated(3, on_start=["/bin/sh", "-c", "echo start >> " + self.path("hooks")],
                                                on_resume=["/bin/sh", "-c", "echo resume >> " + self.path("hooks")])})
        self.run_job("Run", 5)
        self.until_items(2)
        os.kill(drover.events("job.start")[-1]["pid"], signal.SIGKILL)
        self.open_gate()
        self.until_processed(1)
        self.assertEqual(self.read("hooks"), "start\nresume\n")


if __name__ == "__main__":
    main()
