"""A supervisor that is restarted every three seconds: a run of a minute still ends. (.ci/run)"""

import os
import signal
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
from each_rig import EachTest, filter_of  # noqa: E402
from rig import main  # noqa: E402

ITEMS, MS, EVERY_S, LOOK_S = 6000, 10, 3, 0.05


class Restarts(EachTest):
    def restless(self, signum, items):
        """How often it was restarted; the progress as somebody saw it who looked all the time."""
        entry = filter_of(self.ledger, MS, each={"range": "1..%d" % items})
        drover = self.drover({"Long": entry})
        jid, restarts, seen = self.run_job("l1", "Long"), 0, []
        again_at, end_at = time.monotonic() + EVERY_S, time.monotonic() + 6 * items * MS / 1000
        while self.state(jid) != "done" and time.monotonic() < end_at:
            seen.append(int(self.redis.call("HGET", "resque:drover:run:" + jid, "done") or 0))
            if time.monotonic() >= again_at:
                drover.signal(signum)
                drover.wait()
                drover.start(wait=False)
                restarts, again_at = restarts + 1, time.monotonic() + EVERY_S
            time.sleep(LOOK_S)
        self.until_ready(drover)
        self.until_state(jid, "done")
        back = [(a, b) for a, b in zip(seen, seen[1:]) if b < a]
        self.assertEqual(back, [], "its progress never decreases")
        again = self.assert_each_once(jid, [str(n) for n in range(1, items + 1)], restarts)
        self.assertGreater(restarts, items * MS / 1000 / EVERY_S - 2)
        print("figure: %d restarts, %d looks, %d items begun again" % (restarts, len(seen), again))
        return restarts, again

    def assert_counted(self, restarts, counted):
        """Not the last, where it came behind the end; nor one that came before the run went on."""
        self.assertLessEqual(int(counted), restarts)
        self.assertGreater(int(counted), restarts // 2)

    def test_by_kill(self):
        restarts, _ = self.restless(signal.SIGKILL, ITEMS)
        self.assert_counted(restarts, self.assert_ended("l1", ITEMS)["recoveries"])

    def test_by_term(self):
        restarts, again = self.restless(signal.SIGTERM, ITEMS // 3)
        self.assertEqual(again, 0)
        self.assert_counted(restarts, self.assert_ended("l1", ITEMS // 3)["interruptions"])


if __name__ == "__main__":
    main()
