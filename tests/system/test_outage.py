"""Redis away: the supervisor stays, keeps its children, loses nothing, comes back by itself."""

import os
import signal
import sys
from collections import Counter

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import processes  # noqa: E402
from rig import SystemTest, main, payload, sh  # noqa: E402


class Outage(SystemTest):
    redis_options = {"appendonly": "yes", "appendfsync": "always"}

    def each(self, **keys):
        """A job that adds one short line of its own: enough to count what ran, and how often."""
        return sh("read x; echo $x >> %s" % self.path("ran"), **keys)

    def ran(self):
        return Counter((self.read("ran") or "").split())

    def test_redis_killed_and_restarted_under_load(self):
        drover = self.drover({"Each": self.each()},
                             pools={"main": {"workers": 4, "queues": ["default"]}})
        pid, count = drover.pid, 600
        self.push("default", *[payload("Each", number) for number in range(count)])
        for at in (100, 250, 400):
            self.until(lambda: sum(self.ran().values()) >= at, "%d jobs to have run" % at)
            self.redis.kill()
            drover.until_event("redis.down", count=len(drover.events("redis.up")))
            self.redis.start()
            drover.until_event("redis.up", count=len(drover.events("redis.down")))
        self.until_processed(count)
        self.assertEqual(drover.pid, pid)
        self.assertTrue(drover.running)
        ran = self.ran()
        self.assertEqual(len(ran), count, "each job ran")
        self.assertEqual([job for job, times in ran.items() if times > 1], [], "none ran twice")

    def test_an_outage_is_said_once_each_way(self):
        drover = self.drover({"Note": self.note()})
        self.redis.kill()
        drover.until_event("redis.down")
        self.redis.start()
        drover.until_event("redis.up", count=2 if self.up_at_start(drover) else 1)
        self.enqueue("default", "Note", 1)
        self.until_processed(1)
        self.assertEqual(len(drover.events("redis.down")), 1)

    def up_at_start(self, drover):
        ready = [line["event"] for line in drover.lines()].index("supervisor.ready")
        return any(line["event"] == "redis.up" for line in drover.lines()[:ready + 1])

    def test_a_job_goes_on_and_its_verdict_is_kept(self):
        drover = self.drover({"Gate": self.gate()})
        self.enqueue("default", "Gate")
        pid = self.until_begun()[0]
        self.redis.kill()
        drover.until_event("redis.down")
        self.assertTrue(processes.alive(pid))
        self.open_gate()
        self.until_gone(pid)
        self.redis.start()
        self.until_processed(1)
        self.assertEqual(self.failed(), [])

    def test_the_heartbeat_is_back_at_once(self):
        drover = self.drover({"Note": self.note()})
        self.redis.call("DEL", "resque:workers:heartbeat")
        self.redis.kill()
        drover.until_event("redis.down")
        self.redis.start()
        self.until(lambda: self.redis.call("HLEN", "resque:workers:heartbeat") == 2,
                   "both workers to say they live")

    def test_scripts_flushed(self):
        self.drover({"Note": self.note()})
        for number in range(5):
            self.redis.call("SCRIPT", "FLUSH")
            self.enqueue("default", "Note", number)
            self.until_processed(number + 1)
        self.assertEqual(self.noted(), [[number] for number in range(5)])

    def test_redis_that_stands_still(self):
        drover = self.drover({"Note": self.note()}, supervisor={"lease": "3s"})
        self.redis.pause()
        self.addCleanup(self.redis.go_on)
        drover.until_event("redis.down")  # a beat unanswered for a third of the lease
        self.redis.go_on()
        self.enqueue("default", "Note", 1)
        self.until_processed(1)

    def test_redis_that_lost_everything(self):
        self.conserves = False  # Redis forgot what it counted
        drover = self.drover({"Gate": self.gate(), "Note": self.note()})
        self.enqueue("default", "Gate")
        pid = self.until_begun()[0]
        self.redis.call("FLUSHALL")
        drover.until_event("redis.data_lost")
        self.assertTrue(processes.alive(pid))
        self.open_gate()
        self.until_processed(1)
        self.assertEqual(self.read("begun").count("\n"), 1)
        self.enqueue("default", "Note", 2)
        self.until_processed(2)

    def test_term_while_redis_is_away(self):
        drover = self.drover({"Gate": self.gate()}, supervisor={"shutdown_grace": "500ms"})
        self.enqueue("default", "Gate")
        pid = self.until_begun()[0]
        self.redis.kill()
        drover.until_event("redis.down")
        drover.signal(signal.SIGTERM)
        self.until_exit(drover, 1)
        self.until_gone(pid)

    def test_start_while_redis_is_away(self):
        self.redis.kill()
        drover = self.new_drover({"Note": self.note()}, redis={"connect_timeout": "300ms"})
        drover.start(wait=False)
        self.until_exit(drover, 69)

    def test_start_with_wait_stays(self):
        self.redis.kill()
        drover = self.new_drover({"Note": self.note()}, ["--wait"],
                                 redis={"connect_timeout": "300ms"})
        drover.start(wait=False)
        drover.until_event("redis.down")
        self.redis.start()
        drover.until_event("supervisor.ready")
        self.enqueue("default", "Note", 1)
        self.until_processed(1)

    def test_redis_full(self):
        drover = self.drover({"Gate": self.gate(), "Note": self.note()})
        self.enqueue("default", "Gate")
        self.until_begun()
        self.enqueue("low", "Note", 1)
        self.until_processed(1)
        self.redis.call("CONFIG", "SET", "maxmemory", "1")
        self.open_gate()
        self.until_processed(2)  # a verdict passes where new work does not
        self.redis.call("CONFIG", "SET", "maxmemory", "0")
        self.enqueue("low", "Note", 2)
        self.until_processed(3)
        self.assertTrue(drover.running)


if __name__ == "__main__":
    main()
