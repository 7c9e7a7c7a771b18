"""The heartbeat that Resque's tools read: at least every 30 s, whatever the jobs do. (.ci/run)"""

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
from rig import SystemTest, main  # noqa: E402


class Heartbeat(SystemTest):
    def test_it_goes_on_while_jobs_run(self):
        self.drover({"Gate": self.gate()}, supervisor={"lease": "3s"})
        self.enqueue("default", "Gate")
        self.until_begun()
        for worker in self.workers():
            self.redis.call("HSET", "resque:workers:heartbeat", worker, "2000-01-01T00:00:00+00:00")
        self.until(lambda: not any(beat.startswith("2000") for beat in
                                   self.redis.call("HVALS", "resque:workers:heartbeat")),
                   "a new heartbeat of both")
        self.open_gate()


if __name__ == "__main__":
    main()
