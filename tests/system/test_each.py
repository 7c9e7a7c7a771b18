"""Iterating jobs: item after item, stopped between two of them, resumed after the last one."""

import json
import os
import signal
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
from each_shell import ShellTest  # noqa: E402
from rig import command, main, sh  # noqa: E402

THREE = {"main": {"workers": 3, "queues": ["default"]}}


class Stops(ShellTest):
    def test_from_the_first_item_to_the_last(self):
        self.drover({"Run": self.filter()})
        self.run_job("Run", 30)
        self.until_processed(1)
        self.assert_each_once(30)
        record = self.record()
        self.assertEqual((record["state"], record["done"], record["total"]), ("done", "30", "30"))
        self.assertEqual(self.audit(), ["started", "done"])

    def test_four_deploys_repeat_no_item(self):
        drover = self.drover({"Run": self.slow()})
        self.run_job("Run", 100)
        for number in range(4):
            self.until_items(10 + 15 * number)
            self.assertEqual(drover.term(), 0)
            self.assertEqual(self.size("default"), 1)
            drover.start()
        self.until_processed(1)
        self.assert_each_once(100)
        record = self.record()
        self.assertEqual((record["interruptions"], record["recoveries"], record["attempt"]), ("4", "0", "1"))

    def test_a_command_that_prints_nothing_for_long_keeps_no_deploy_waiting(self):
        prints = "n=$DROVER_CURSOR; while [ $((n = n + 1)) -le 6 ]; do printf '%d\\t%d\\n' $n $n; " \
                 "[ $n != 3 ] || [ -e GO ] || exec sleep 1000; done".replace("GO", self.path("go"))
        drover = self.drover({"Run": self.filter(each={"command": ["/bin/sh", "-c", prints]})},
                             supervisor={"shutdown_grace": "10m"})
        self.run_job("Run", 6)
        self.until_items(3)
        self.assertEqual(drover.term(), 0)
        self.assertEqual((self.size("default"), self.record("run", "interruptions")), (1, "1"))
        self.open_gate()
        drover.start()
        self.until_processed(1)
        self.assert_each_once(6)

    def test_quit_stops_between_items_too(self):
        drover = self.drover({"Run": self.slow()})
        self.run_job("Run", 500)
        self.until_items(5)
        drover.signal(signal.SIGQUIT)
        self.until_exit(drover, 0)
        drover.start()
        self.cli("cancel", "run")
        self.until_state("cancelled")
        self.enqueued += 0

    def test_it_goes_on_under_the_new_configuration(self):
        drover = self.drover({"Run": self.slow()})
        self.run_job("Run", 60)
        self.until_items(5)
        drover.write_config(self.config({"Run": self.filter(answer="echo ok new")}))
        drover.signal(signal.SIGHUP)
        drover.until_event("reload.done")
        self.until_processed(1)
        self.assert_each_once(60)
        self.assertEqual(self.record("run", "interruptions"), "1")
        drover.until_event("job.output", line="new")

    def test_fewer_workers(self):
        drover = self.drover({"Run": self.slow()}, pools={"main": {"workers": 1, "queues": ["default"]}})
        self.run_job("Run", 60)
        self.until_items(5)
        drover.signal(signal.SIGWINCH)
        drover.until_event("job.interrupted")
        drover.signal(signal.SIGHUP)
        self.until_processed(1)
        self.assert_each_once(60)

    def test_an_item_longer_than_the_grace_is_repeated_and_nothing_else(self):
        drover = self.drover({"Run": self.gated(4)}, supervisor={"shutdown_grace": "300ms"})
        self.run_job("Run", 6)
        self.until(lambda: self.part("number") == "3" or len(self.items()) == 3, "three items")
        self.assertEqual(drover.term(), 0)
        drover.start()
        self.open_gate()
        self.until_processed(1)
        self.assert_each_once(6)
        self.assertEqual(self.record("run", "interruptions"), "1")
        self.assertEqual(self.errors(), {})

    def test_slices_let_others_have_their_turn(self):
        self.drover({"Run": self.filter(max_items=10), "Note": self.note()},
                    pools={"main": {"workers": 1, "queues": ["default"]}})
        self.redis.call("HSET", "resque:drover:paused", "default", "test")
        self.run_job("Run", 35)
        self.enqueue("default", "Note", 1)
        self.redis.call("DEL", "resque:drover:paused")
        self.until_processed(2)
        self.assert_each_once(35)
        self.assertEqual(self.record("run", "interruptions"), "3")

    def test_a_slice_by_time(self):
        self.drover({"Run": self.slow(max_runtime="1s")})
        self.run_job("Run", 150)
        self.until_processed(1)
        self.assert_each_once(150)
        self.assertGreaterEqual(int(self.record("run", "interruptions")), 1)

    def test_the_child_is_killed(self):
        drover = self.drover({"Run": self.slow()})
        self.run_job("Run", 60)
        self.until_items(10)
        os.kill(drover.events("job.start")[-1]["pid"], signal.SIGKILL)
        self.until_processed(1)
        items = self.items()
        self.assertEqual(len(set(items)), 60)
        self.assertLessEqual(len(items), 61)
        record = self.record()
        self.assertEqual((record["done"], record["attempt"], record["recoveries"]), ("60", "1", "0"))

    def test_a_supervisor_killed_costs_at_most_the_item_in_hand(self):
        drover = self.drover({"Run": self.slow()}, supervisor={"flush": "10s"})
        self.run_job("Run", 80)
        for number in range(3):
            self.until_items(10 + 15 * number)
            drover.kill()
            drover.start()
        self.until_processed(1)
        items = self.items()
        self.assertEqual(len(set(items)), 80)
        self.assertLessEqual(len(items), 83)
        self.assertEqual(self.record("run", "recoveries"), "3")


class Steering(ShellTest):
    def test_pause_holds_no_worker_and_resume_goes_on(self):
        self.drover({"Run": self.slow(), "Note": self.note()}, pools={"main": {"workers": 1, "queues": ["default"]}})
        self.run_job("Run", 100)
        self.until_items(10)
        self.cli("pause", "run", "--reason", "a look")
        self.until_state("paused")
        seen = len(self.items())
        self.enqueue("default", "Note", 1)
        self.until_processed(1)  # it had the worker
        self.assertEqual((len(self.items()), self.paused(), self.lease_entries()), (seen, 1, {}))
        self.cli("resume", "run")
        self.until_processed(2)
        self.assert_each_once(100)

    def test_cancel_is_another_end(self):
        self.drover({"Run": self.slow(then={"class": "Note", "args": ["then"]},
                                      on_cancel={"class": "Note", "args": ["cancelled"]}), "Note": self.note()})
        self.run_job("Run", 500)
        self.until_items(5)
        self.cli("cancel", "run")
        self.until_state("cancelled")
        self.enqueued += 1
        self.until_processed(2)
        self.assertEqual(self.noted(), [["cancelled"]])
        self.assertLess(len(self.items()), 500)

    def test_a_queued_run_is_paused_when_its_turn_comes(self):
        self.redis.call("HSET", "resque:drover:paused", "default", "test")
        self.drover({"Run": self.filter()})
        code, jid, err = command("drover", "--redis", self.redis.url, "run", "Run", "3")
        self.assertEqual((code, err), (0, ""))
        jid = jid.strip()
        self.enqueued += 1
        self.cli("pause", jid)
        self.redis.call("DEL", "resque:drover:paused")
        self.until_state("paused", jid)
        self.assertEqual((self.paused(), self.items()), (1, []))
        self.cli("resume", jid)
        self.until_processed(1)

    def test_everything_pauses_within_a_second(self):
        pools = {"main": {"workers": 2, "queues": ["default"]}}
        for name in ("one", "two"):
            self.drover({"Run": self.slow(parallel=4)}, pools=pools, supervisor={"state_dir": self.path(name), "poll": "1s"})
        self.run_job("Run", 2000)
        self.until_items(20)
        self.cli("pause", "--all", "--reason", "fire")
        self.until(lambda: not self.lease_entries(), "nothing to be in hand")
        seen = len(self.items())
        self.assertEqual(self.record("run", "state"), "queued")
        self.cli("resume", "--all")
        self.until_items(seen + 10)
        self.cli("cancel", "run")
        self.until_state("cancelled")

    def test_a_paused_queue_stops_its_runs(self):
        self.drover({"Run": self.slow()})
        self.run_job("Run", 100)
        self.until_items(5)
        self.cli("queue", "default", "pause")
        self.until(lambda: self.size("default") == 1, "it to be back in its queue")
        self.cli("queue", "default", "resume")
        self.until_processed(1)
        self.assert_each_once(100)

    def test_a_rate(self):
        drover = self.drover({"Run": self.filter(rate="50/s")})
        self.run_job("Run", 60)
        self.until_processed(1)
        wall_ms = drover.until_event("job.done")[0]["wall_ms"]
        self.assertGreaterEqual(wall_ms, 900)  # 60 items, of which some at once, at 50 a second

    def test_a_rate_is_changed_while_it_runs(self):
        self.drover({"Run": self.filter(rate="1/m")})
        self.run_job("Run", 50)
        self.until_items(1)
        self.until(lambda: self.record("run", "reason") == "its rate is used up", "the reason to be shown")
        self.cli("rate", "run", "1000/s")
        self.until_processed(1)
        self.assert_each_once(50)

    def test_throttled_with_its_reason(self):
        throttle = ["/bin/sh", "-c", "[ -e %s ] || { echo replicas are behind; exit 1; }" % self.path("go")]
        self.drover({"Run": self.filter(throttle=throttle, throttle_backoff="6s")})
        self.run_job("Run", 3)
        self.until_state("throttled")
        self.assertEqual(self.record("run", "reason"), "replicas are behind")
        self.assertEqual((self.delayed(), self.lease_entries(), self.items()), (1, {}, []))
        self.open_gate()
        self.until_processed(1)
        self.assertEqual(self.record("run", "interruptions"), "0")

    def test_hooks_run_when_they_should(self):
        hooks = {"on_" + name: ["/bin/sh", "-c", "echo %s >> %s" % (name, self.path("hooks"))]
                 for name in ("start", "resume", "interrupt", "complete")}
        drover = self.drover({"Run": self.slow(**hooks)})
        self.run_job("Run", 60)
        self.until_items(5)
        self.assertEqual(drover.term(), 0)
        drover.start()
        self.until_processed(1)
        self.assertEqual(self.read("hooks").split(), ["start", "interrupt", "resume", "complete"])

    def test_a_window_and_batches(self):
        self.drover({"Run": self.filter(batch=4, **{"from": 5, "limit": 10})})
        self.run_job("Run", 100)
        self.until_processed(1)
        self.assertEqual([json.loads(i) for i in self.items()], [[5, 6, 7, 8], [9, 10, 11, 12], [13, 14]])
        self.assertEqual((self.record("run", "done"), self.record("run", "total")), ("10", "10"))

    def test_the_output_of_a_run_is_kept(self):
        self.drover({"Run": self.filter(answer="echo ok hello from $item; echo aside >&2")})
        self.run_job("Run", 3)
        self.until_processed(1)
        out = self.cli("log", "run")
        self.assertIn("hello from 3", out)
        self.assertIn("aside", out)

    def test_follow_ups_of_plain_jobs(self):
        self.drover({"Good": sh("exit 0", then={"class": "Note", "args": ["then"]}),
                     "Bad": sh("exit 1", on_failure={"class": "Note", "args": ["failure"]}), "Note": self.note()})
        self.enqueue("default", "Good")
        self.enqueue("default", "Bad")
        self.enqueued += 2
        self.until_processed(4)
        self.assertEqual(sorted(self.noted()), [["failure"], ["then"]])


class Parts(ShellTest):
    def test_three_parts_one_end(self):
        self.drover({"Run": self.filter(parallel=3, then={"class": "Note", "args": ["then"]}), "Note": self.note()}, pools=THREE)
        self.run_job("Run", 300)
        self.enqueued += 1
        self.until_processed(2)
        self.assert_each_once(300)
        self.assertEqual((self.noted(), self.record("run", "done"), self.record("run", "state")), ([["then"]], "300", "done"))

    def test_a_long_part_is_shared(self):
        before = "[ $item -gt 100 ] && sleep 0.02;"
        drover = self.drover({"Run": self.filter(before=before, parallel=3)}, pools=THREE, supervisor={"flush": "100ms"})
        self.run_job("Run", 600)
        self.until_processed(1)
        self.assert_each_once(600)
        self.assertTrue(drover.events("job.shared"))

    def test_a_part_that_fails_and_is_retried(self):
        answer = "if [ $item = 70 ] && [ ! -e %s ]; then echo fail broken; else echo ok; fi" % self.path("go")
        self.drover({"Run": self.filter(answer=answer, parallel=3, on_failure={"class": "Note", "args": ["failed"]},
                                        then={"class": "Note", "args": ["then"]}), "Note": self.note()}, pools=THREE)
        self.run_job("Run", 90)
        record = self.until_failed(1)[0]
        self.assertEqual(record["exception"], "Drover::PartFailed")
        self.assertEqual(json.loads(json.dumps(record["payload"]))["jid"], "run")
        self.until(lambda: self.noted() == [["failed"]], "the follow-up")
        self.assertEqual(self.record("run", "state"), "failed")
        self.open_gate()
        self.cli("retry", "0")
        self.until_state("done")
        self.until(lambda: self.noted() == [["failed"], ["then"]], "the other follow-up")
        items = self.items()
        self.assertEqual((len(set(items)), len(items)), (90, 91))
        self.conserves = False  # one job was counted twice: it failed, and was done

    def test_one_failing_part_stops_the_others_where_it_shall(self):
        answer = "if [ $item = 5 ]; then echo fail broken; else sleep 0.01; echo ok; fi"
        self.drover({"Run": self.filter(answer=answer, parallel=3, on_part_failure="stop")}, pools=THREE)
        self.run_job("Run", 3000)
        self.until_failed(1)
        self.until_state("failed")
        self.assertLess(len(self.items()), 3000)

    def test_parts_over_deploys_and_pauses(self):
        drover = self.drover({"Run": self.slow(parallel=3)}, pools=THREE)
        self.run_job("Run", 200)
        self.until_items(20)
        self.assertEqual(drover.term(), 0)
        self.assertEqual((self.size("default"), self.record("run", "state")), (3, "queued"))
        drover.start()
        self.until_items(60)
        self.cli("pause", "run")
        self.until_state("paused")
        self.assertEqual((self.paused(), self.lease_entries()), (3, {}))
        self.cli("resume", "run")
        self.until_processed(1)
        self.assert_each_once(200)

    def test_what_completes_a_run_runs_once_behind_all_parts(self):
        done = ["/bin/sh", "-c", "wc -l < %s >> %s" % (self.path("items"), self.path("hooks"))]
        self.drover({"Run": self.filter(parallel=3, on_complete=done)}, pools=THREE)
        self.run_job("Run", 90)
        self.until_processed(1)
        self.assertEqual(self.read("hooks").split(), ["90"])


class Cursors(ShellTest):
    """Commands and functions that say `cursor` lines."""

    def counter(self, top=40, **keys):
        script = ("n=${DROVER_CURSOR:-0}; echo start $n $DROVER_ORIGIN >> %s; while [ $n -lt %d ]; do n=$((n+1)); sleep 0.02; "
                  "echo $n >> %s; %s checkpoint $n || exit 75; done" %
                  (self.path("starts"), top, self.path("items"), os.path.join(os.environ.get("BUILD", "build"), "drover")))
        return sh(script, directory=os.path.realpath(os.path.join(os.path.dirname(__file__), "..", "..")), **keys)

    def starts(self):
        return [line.split()[1:] for line in (self.read("starts") or "").split("\n")[:-1]]

    def test_a_command_resumes_behind_its_cursor(self):
        drover = self.drover({"Run": self.counter()})
        self.run_job("Run")
        self.until_items(5)
        self.assertEqual(drover.term(), 0)
        drover.start()
        self.until_processed(1)
        self.assert_each_once(40)
        self.assertEqual([s[1] for s in self.starts()], ["enqueued", "resumed"])

    def test_its_supervisor_is_killed(self):
        drover = self.drover({"Run": self.counter()}, supervisor={"flush": "10s"})
        self.run_job("Run")
        self.until_items(10)
        drover.kill()
        drover.start()
        self.until_processed(1)
        items = self.items()
        self.assertEqual(len(set(items)), 40)
        self.assertLessEqual(len(items), 41)
        self.assertEqual(self.starts()[1][1], "recovered")

    def test_retries_go_on_there_too(self):
        job = self.counter(10, retries=2, backoff={"first": "1ms"})
        job["command"][2] = job["command"][2].replace("echo $n >>", "[ $n = 5 ] && [ $DROVER_ATTEMPT = 1 ] && exit 1; echo $n >>")
        self.drover({"Run": job})
        self.run_job("Run")
        self.until_processed(1)
        self.assert_each_once(10)

    def test_pause_and_cancel(self):
        self.drover({"Run": self.counter(400, track=True)})
        self.run_job("Run")
        self.until_items(3)
        self.cli("pause", "run")
        self.until_state("paused")
        self.cli("resume", "run")
        self.until_items(8)
        self.cli("cancel", "run")
        self.until_state("cancelled")

    def test_exit_75_without_a_step_is_an_attempt(self):
        self.drover({"Run": sh("exit 75", retries=1, backoff={"first": "1ms"})})
        self.run_job("Run")
        self.until_failed(1)

    def test_exit_75_behind_a_checkpoint_goes_to_the_tail(self):
        job = self.counter(6)
        job["command"][2] = job["command"][2].replace("|| exit 75;", "; exit 75;")
        self.drover({"Run": job})
        self.run_job("Run")
        self.until_processed(1)
        self.assert_each_once(6)


if __name__ == "__main__":
    main()
