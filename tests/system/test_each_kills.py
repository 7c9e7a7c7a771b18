"""Iterating jobs, stopped and killed: every item at least once, and again only for a kill that met it."""

import os
import random
import signal
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import processes  # noqa: E402
from collections_bed import beds  # noqa: E402
from each_rig import EachTest, filter_of, function_of, rows, sample_module  # noqa: E402
from rig import SLOW, command, main  # noqa: E402

ROWS = 2000
LEASE_S = 1 * SLOW


class Rows(EachTest):
    """2,000 rows of a CSV file, 5 ms each, through a filter."""

    def test_four_deploys_and_eight_kills(self):
        items = rows(self.path("rows.csv"), ROWS)
        drover = self.drover({"Rows": filter_of(self.ledger, 5, each={"csv": self.path("rows.csv")})})
        jid, stops = self.run_job("r1", "Rows"), []
        for n in range(4):
            self.until_items(jid, 200 * (n + 1))
            stops.append(self.deploy(drover))
        self.until_items(jid, 1000)
        self.assertEqual(self.ledger.repeated(jid), {}, "a deploy repeats nothing")
        for n, what in enumerate(["supervisor", "nursery", "child", "filter"] * 2):
            self.until_items(jid, 1100 + 100 * n)
            self.strike(drover, what)
        self.until_state(jid, "done")
        again = self.assert_each_once(jid, items, 8)
        self.assert_ended(jid, ROWS, total=str(ROWS), interruptions="4", attempt="1")
        print("figure: four stops took at most %.0f ms, eight kills repeated %d rows"
              % (1000 * max(stops), again))

    def strike(self, drover, what):
        if what == "supervisor":
            drover.kill()
            drover.start(wait=False)
            return
        find = {"nursery": drover.nurseries, "child": lambda: self.items_children(drover),
                "filter": lambda: self.filters(drover)}[what]
        self.kill(self.until(find, "a %s to kill" % what)[:1])


class AnotherHost(EachTest):
    """Whoever has not its folder knows what Redis knows: as much as a flush holds is begun again."""

    def host(self, name):
        config = {"name": name, "state_dir": self.path("state-" + name), "lease": "%ds" % LEASE_S,
                  "flush": "300ms"}
        return self.drover(self.jobs, supervisor=config, modules=[sample_module()])

    def marks(self):
        """Jobs of supervisors that were killed carry their lease's name."""
        return super().marks() + [b"DROVER_LEASE=%s:" % name for name in (b"here", b"there")]

    def take_over(self, total, parts, **entry):
        self.jobs = {"Far": entry}
        here = self.host("here")
        jid = self.run_job("f1", "Far", self.ledger.path, 5)
        self.until_items(jid, total // 3)
        there = self.host("there")
        self.kill_host(here)
        begun, known = self.ledger.count(jid), int(self.record(jid)["done"])
        self.until_state(jid, "done")
        again = self.assert_each_once(jid, [str(n) for n in range(1, total + 1)], begun - known)
        print("figure: %d items begun, %d known to Redis, %d begun again" % (begun, known, again))
        self.assert_ended(jid, total, interruptions="0", recoveries=str(parts))
        self.assertTrue(there.running)

    def test_through_a_filter(self):
        self.take_over(600, 1, **filter_of(self.ledger, 5, each={"range": "1..600"}))

    def test_by_a_function_in_two_parts(self):
        self.take_over(1000, 2, **function_of(each={"range": "1..1000"}, parallel=2))


class Plans(EachTest):
    """Between the count of the items and the first of them."""

    ITEMS = [str(n) for n in range(1, 61)]

    def begin(self, **entry):
        return self.drover({"Planned": filter_of(self.ledger, 1, each={"range": "1..60"}, **entry)})

    def stopped_at_its_plan(self, **entry):
        """It hears of the stop while its first hook runs, and counts before it looks."""
        wait = "echo >> %s; until [ -e %s ]; do sleep 0.01; done" % (
            self.path("begun"), self.path("go"))
        drover = self.begin(on_start=["/bin/sh", "-c", wait], **entry)
        jid = self.run_job("p1", "Planned")
        self.until_file("begun")
        drover.signal(signal.SIGTERM)
        drover.until_event("supervisor.drain")
        self.open_gate()
        self.assertEqual(drover.wait(), 0)
        drover.start()
        self.until_state(jid, "done")
        self.assert_each_once(jid, self.ITEMS)
        return self.assert_ended(jid, 60, total="60")

    def test_stopped_there(self):
        record = self.stopped_at_its_plan()
        self.assertEqual(record["interruptions"], "1")

    def test_stopped_there_and_to_be_divided(self):
        record = self.stopped_at_its_plan(parallel=3)
        self.assertEqual(record.get("parts"), "3", record)

    def test_lost_there_and_to_be_divided(self):
        """Its plan was kept, and its supervisor died before it was divided."""
        self.redis.call("HSET", "resque:drover:run:p1", "each", 1, "planned", 1, "total", 60,
                        "bounds", "0: 20:20 40:40", "state", "running", "class", "Planned")
        self.begin(parallel=3)
        self.run_job("p1", "Planned")
        self.until_state("p1", "done")
        self.assert_each_once("p1", self.ITEMS)
        self.assert_ended("p1", 60, parts="3")


class Again(EachTest):
    """A further pass over the items that failed."""

    def errors_of(self, then_state, **entry):
        with open(self.path("lines"), "w") as file:
            file.write("good\nbad\nworse than bad\nfine\n")
        entry = filter_of(self.ledger, 1, each={"lines": self.path("lines")},
                          then={"class": "Then"}, **entry)
        self.drover({"Lines": entry, "Then": self.note("then")})
        jid = self.run_job("l1", "Lines")
        self.until_state(jid, then_state)
        return jid

    def heal(self, jid, *words):
        with open(self.path("items.healed"), "w"):
            pass
        self.assertEqual(command("drover", "--redis", self.redis.url, "retry-errors", jid)[0], 0)
        self.enqueued += 1  # the same run counts once more
        self.until_state(jid, "done")

    def test_it_was_told_and_not_passed(self):
        """Its supervisor died before its child could go on: it is gone over again, and now is well."""
        run = "resque:drover:run:n1"
        self.redis.call("HSET", run, "each", 1, "planned", 1, "total", 4, "done", 1, "class", "Numbers")
        self.redis.call("HSET", run + ":parts", "0:number", 1, "0:done", 1, "0:errors", 0,
                        "0:cursor", "1")
        self.redis.call("HSET", run + ":errors", 2, '{"item":"2","error":"it was bad"}')
        self.drover({"Numbers": filter_of(self.ledger, 1, each={"range": "1..4"})})
        self.run_job("n1", "Numbers")
        self.until_state("n1", "done")
        self.assertEqual(self.ledger.of("n1"), {"2": 1, "3": 1, "4": 1})
        self.assert_ended("n1", 4)
        self.assertEqual(self.redis.call("EXISTS", run + ":errors"), 0)

    def test_what_follows_was_begun_before(self):
        jid = self.errors_of("done", on_item_error="skip")
        self.enqueued += 1
        self.until_processed(2)
        self.assertEqual(self.ledger.of(jid), {"good": 1, "bad": 1, "worse than bad": 1, "fine": 1})
        self.heal(jid)
        self.until_processed(3)
        self.assertEqual(self.ledger.of(jid), {"good": 1, "bad": 2, "worse than bad": 2, "fine": 1})
        self.assert_ended(jid, 4)
        self.assertEqual(self.noted("then"), [[]], "once")


class Neighbours(EachTest):
    """One worker, and runs that want children of another kind each time: its spares never fit."""

    def test_one_after_the_other(self):
        self.drover({"Asked": filter_of(self.ledger, 0, each={"range": "1..50"}),
                     "Called": function_of(each={"range": "1..60"})},
                    pools={"main": {"workers": 1, "queues": ["default"]}}, modules=[sample_module()])
        runs = [self.run_job("n%d" % n, ("Asked", "Called")[n % 2], self.ledger.path, 0)
                for n in range(8)]
        for n, jid in enumerate(runs):
            self.until_state(jid, "done")
            count = (50, 60)[n % 2]
            self.assert_each_once(jid, [str(k) for k in range(1, count + 1)])
            self.assert_ended(jid, count)


class AnySequence(EachTest):
    """Every kind of collection, all at once, under a sequence of stops and kills drawn from a seed."""

    redis_options = {"appendonly": "yes", "appendfsync": "always"}
    COUNT, WORKERS, STEPS = 140, 6, 14
    WEIGHTS = {"deploy": 4, "supervisor": 4, "child": 4, "filter": 4, "nursery": 1, "redis": 1,
               "pause": 3}

    def setUp(self):
        super().setUp()
        self.seed = int(os.environ.get("SEED", random.randrange(1 << 32)))
        self.random = random.Random(self.seed)
        print("figure: SEED=%d" % self.seed)
        self.hits, self.everywhere, self.reordered = {}, 0, False

    def begin(self, by):
        """A run of each kind; `by` makes the entry of its class."""
        self.kinds = beds(self.folder, self.redis, self.COUNT)
        self.drover_ = self.drover(
            {kind.name: dict(by(), item_retries=50, item_backoff={"first": "1ms", "max": "5ms"},
                             max_recoveries=100, **kind.entry) for kind in self.kinds},
            pools={"main": {"workers": self.WORKERS, "queues": ["default"]}},
            modules=[sample_module()])
        for kind in self.kinds:
            self.run_job(kind.name, kind.name, self.ledger.path, 8)

    # -- what happens ----------------------------------------------------------------------------
    def do_deploy(self):
        self.deploy(self.drover_)

    def do_supervisor(self):
        self.drover_.kill()
        self.drover_.start(wait=False)
        self.everywhere += 1

    def strike(self, pids):
        if not pids:
            return
        pid = self.random.choice(pids)
        run = processes.environment(pid).get("DROVER_JID", "").split(".")[0]
        self.hits[run] = self.hits.get(run, 0) + self.kill([pid])

    def do_filter(self):
        self.strike(self.filters(self.drover_))

    def do_child(self):
        """It hides its environment: its filter tells which it is of. Without one, any run may be hit."""
        child = {processes.parent(pid): pid for pid in self.filters(self.drover_)}
        if child:
            pid = self.random.choice(sorted(child))
            run = processes.environment(child[pid]).get("DROVER_JID", "").split(".")[0]
            self.hits[run] = self.hits.get(run, 0) + self.kill([pid])
        else:
            self.strike(self.items_children(self.drover_))

    def do_nursery(self):
        self.kill(self.drover_.nurseries())

    def do_redis(self):
        """Its sets and hashes are in another order then: cursors of before are worth nothing."""
        self.redis.kill()
        self.redis.start()
        self.reordered = True

    def do_pause(self):
        name = self.random.choice(self.kinds).name
        for verb in ("pause", "resume"):
            command("drover", "--redis", self.redis.url, verb, name)

    def go_through(self):
        begun = 0
        for _ in range(self.STEPS):
            begun += self.random.randrange(20, 2 * self.COUNT)
            self.until(lambda: self.ledger.count() >= begun or self.all_done(), "items")
            what = self.random.choices(list(self.WEIGHTS), list(self.WEIGHTS.values()))[0]
            getattr(self, "do_" + what)()
        for kind in self.kinds:
            self.until_state(kind.name, "done")
        self.until_ready(self.drover_)

    def all_done(self):
        return all(self.state(kind.name) == "done" for kind in self.kinds)

    def judge(self):
        for kind in self.kinds:
            with self.subTest(kind=kind.name, seed=self.seed):
                hits = self.hits.get(kind.name, 0) + self.hits.get("", 0)
                most = self.everywhere * kind.parts + hits
                if self.reordered and kind.name in ("Set", "Hash", "Scan"):
                    self.assert_each_once(kind.name, kind.items, sys.maxsize)
                else:
                    self.assert_each_once(kind.name, kind.items, most)
                    self.assert_ended(kind.name, self.size(kind))

    def size(self, kind):
        return self.COUNT if kind.name == "Batches" else len(kind.items)

    def test_through_filters(self):
        self.begin(lambda: filter_of(self.ledger, 8))
        self.go_through()
        self.judge()

    def test_by_functions(self):
        self.begin(function_of)
        self.go_through()
        self.judge()


if __name__ == "__main__":
    main()
