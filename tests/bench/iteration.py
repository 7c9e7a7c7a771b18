"""iteration: the rows of jobs that go through a collection, as those of rows.py are measured.

An item is small: what decides is the time on a core that it costs. A machine that others use makes
a rate smaller, never larger; so a rate that is high enough is so on any machine, and one that is
too low is told as disturbed where others were about.
"""

import contextlib
import os
import struct
import tempfile
import time

import processes
from resp import RespClient, encode
from rig import command, payload, program, until
from rows import QUIET, Row, Stamps, median, say
from stage import Floor, Reading, Span, Stage, placements

RUN = "resque:drover:run:"


def enqueue(stage, cls, *args, jid):
    stage.redis.call("SADD", "resque:queues", "bench")
    stage.redis.call("RPUSH", "resque:queue:bench", payload(cls, *args, jid=jid))


def read_run(stage, jid):
    pairs = stage.redis.call("HGETALL", RUN + jid)
    return dict(zip(pairs[::2], pairs[1::2]))


def until_state(stage, jid, state, timeout=60, every=0.001):
    until(lambda: stage.redis.call("HGET", RUN + jid, "state") == state,
          "%s to be %s" % (jid, state), timeout, every)


class Runs:
    """Runs of a stage, one after another, each with an id of its own."""

    def __init__(self, stage):
        self.stage, self.count = stage, 0

    def begin(self, cls, *args):
        self.count += 1
        jid = "run%d" % self.count
        enqueue(self.stage, cls, *args, jid=jid)
        return jid

    def until_done(self, jid, items, timeout=600):
        until_state(self.stage, jid, "done", timeout)
        run = read_run(self.stage, jid)
        if (run["done"], run.get("errors", "0")) != (str(items), "0"):
            raise AssertionError("%d items were due: %r" % (items, run))

    def perform(self, cls, items):
        """From the queue to its end, all that comes before the first item included."""
        first = Reading(self.stage, 0)
        self.until_done(self.begin(cls, items), items)
        return Span(first, Reading(self.stage, items))


def ns(span):
    """Time on a core, of the child and of what it started, for an item."""
    return span.us_a_job["children"] * 1000


def items_a_second(rate):
    return "{:,.0f}/s".format(rate)


def judge_rate(rates, least, foreign):
    if median(rates) >= least:
        return True
    return "disturbed" if median(foreign) > QUIET else False


def judge_ratio(ratios, least, foreign):
    if median(foreign) > QUIET:
        return "disturbed"
    return median(ratios) >= least


# -- a range -----------------------------------------------------------------------------------

def bare_loop_ns(stage, stamps, function, *args, items):
    enqueue(stage, function, *args, jid="floor")
    return stamps.read() / items


class DurableSets:
    """A SET an item, each confirmed before the next: what a cursor in Redis costs at least."""

    def __init__(self, redis, count):
        client = RespClient(redis.address)
        commands = [encode(["SET", "floor", str(number)]) for number in range(count)]
        started = time.monotonic()
        for words in commands:
            client.socket.sendall(words)
            if client.socket.recv(64) != b"+OK\r\n":
                raise AssertionError("redis-server refused a SET")
        self.rate = count / (time.monotonic() - started)
        client.close()


@contextlib.contextmanager
def with_stamps(options, jobs, workers, *told, **more):
    """(stage, stamps): these classes tell figures."""
    with tempfile.TemporaryDirectory(prefix="drover-bench-") as folder:
        stamps = Stamps(folder)
        for cls in told:
            jobs[cls] = dict(jobs[cls], env={"BENCH_STAMPS": stamps.path})
        try:
            with Stage(options, placements()[0], jobs, workers, **more) as stage:
                yield stage, stamps
        finally:
            os.close(stamps.fd)


def iterate(options):
    """A C function that does nothing, each item's number, count and cursor in the scoreboard."""
    items, sets = options.scaled(20000000, 1000000), options.scaled(1000, 100)
    name = "iteration, empty C function"
    say("%s: %d rounds of %s items, each after the same loop without drover, and after %d SETs; "
        "redis-server with appendfsync always" % (name, options.rounds, f"{items:,}", sets))
    jobs = {"Range": {"each": {"range": "1..{args.0}"}, "function": "item_noop"},
            "Bare": {"function": "bare_range"}}
    spans, bare, durable = [], [], []
    with with_stamps(options, jobs, 1, "Bare", durable=True) as (stage, stamps):
        runs = Runs(stage)
        runs.perform("Range", 1000)
        for _ in range(options.rounds):
            bare.append(bare_loop_ns(stage, stamps, "Bare", items, items=items))
            durable.append(DurableSets(stage.redis, sets).rate)
            spans.append(runs.perform("Range", items))
            say("    %12s items/s, %.1f ns of a core; bare loop %.1f ns; SETs %s | others took "
                "%.0f %% of the machine" % (f"{spans[-1].rate:,.0f}", ns(spans[-1]), bare[-1],
                                            items_a_second(durable[-1]), spans[-1].foreign * 100))
    rates = [span.rate for span in spans]
    foreign = [span.foreign for span in spans]
    yield Row(name, items_a_second(median(rates)), target=">= 5,000,000/s",
              met=judge_rate(rates, 5e6, foreign))
    times = median([rate / sets for rate, sets in zip(rates, durable)])
    yield Row(name + ", beside SETs", "%s times" % f"{times:,.0f}",
              items_a_second(median(durable)), target=">= 1,000 times", met=times >= 1000)
    ours = median(list(map(ns, spans)))
    yield Row(name + ", core time an item", "%.1f ns" % ours, "%.1f ns" % median(bare),
              median([floor / ns(span) for floor, span in zip(bare, spans)]))


# -- a filter ----------------------------------------------------------------------------------

def round_trips(place, count):
    return Floor(place, [program("bench/filter"), "--floor", str(count)])


def filtered(options):
    """Each item to another program and its answer back."""
    items, place = options.scaled(200000, 20000), placements()[0]
    name = "iteration through a filter"
    say("%s: %d rounds of %s items, each after as many bare round trips"
        % (name, options.rounds, f"{items:,}"))
    jobs = {"Filter": {"each": {"range": "1..{args.0}"}, "filter": [program("bench/filter")]}}
    spans, floors = [], []
    with Stage(options, place, jobs, 1) as stage:
        runs = Runs(stage)
        runs.perform("Filter", 1000)
        for _ in range(options.rounds):
            floors.append(round_trips(place, items))
            spans.append(runs.perform("Filter", items))
            say("    %8.0f items/s, floor %8.0f, ratio %.2f | core us an item %.2f, floor %.2f | "
                "others took %.0f %% of the machine, %.0f %% beside the floor"
                % (spans[-1].rate, floors[-1].rate, spans[-1].rate / floors[-1].rate,
                   spans[-1].us_a_job["children"], floors[-1].us_each, spans[-1].foreign * 100,
                   floors[-1].foreign * 100))
    foreign = [max(pair[0].foreign, pair[1].foreign) for pair in zip(spans, floors)]
    ratios = [span.rate / floor.rate for span, floor in zip(spans, floors)]
    yield Row(name, items_a_second(median([span.rate for span in spans])),
              items_a_second(median([floor.rate for floor in floors])), median(ratios),
              ">= 0.60 of the floor", judge_ratio(ratios, 0.6, foreign))
    costs = [(floor.us_each, span.us_a_job["children"]) for floor, span in zip(floors, spans)]
    cost_ratio = median([floor / ours for floor, ours in costs])
    yield Row(name + ", core time an item", "%.1f us" % median([ours for _, ours in costs]),
              "%.1f us" % median([floor for floor, _ in costs]),
              cost_ratio, ">= 0.60 of the floor", cost_ratio >= 0.6)


# -- a large file --------------------------------------------------------------------------------

ROWS_AT_ONCE = 1000


def write_csv(path, size):
    """How many rows it has. Every tenth has a column in quotes, with a comma in it."""
    rows = 0
    with open(path, "w") as file:
        file.write("id,name,email,amount,note\n")
        while file.tell() < size:
            file.write("".join(
                '%d,Person Number %d,person.%d@example.com,%d.%02d,%s\n'
                % (n, n, n, n % 1000, n % 100, '"once, and ""again"""' if n % 10 == 0
                   else "a note of some length about this row")
                for n in range(rows, rows + ROWS_AT_ONCE)))
            rows += ROWS_AT_ONCE
    return rows


def watch_memory(stage, jid):
    """[(child's PSS, droverd's PSS)] in KiB until the run has ended."""
    child = until(lambda: stage.at_work(), "the child to begin", every=0.001)[0]
    seen = []

    def look():
        pss = processes.pss_kb(child)
        if pss:
            seen.append((pss, stage.drover.pss_kb()))
        return stage.redis.call("HGET", RUN + jid, "state") == "done"
    until(look, "%s to be done" % jid, 600, 0.02)
    return seen


def grown_kb(seen):
    """From the second tenth of the way, when all is in place, to the last."""
    tenth = max(1, len(seen) // 10)
    return median(seen[-tenth:]) - median(seen[tenth:2 * tenth] or seen)


def csv(options):
    """Memory does not depend on the size of the file."""
    size = options.scaled(200, 20) * 1000000
    name = "CSV of %d MB" % (size // 1000000)
    jobs = {"Csv": {"each": {"csv": "{args.0}"}, "function": "item_noop"},
            "Lines": {"function": "bare_lines"}}
    with with_stamps(options, jobs, 1, "Lines") as (stage, stamps):
        path = os.path.join(stage.folder, "rows.csv")
        rows = write_csv(path, size)
        say("%s: %s rows, %d times; counted before the first; each after reading its lines alone"
            % (name, f"{rows:,}", options.rounds))
        runs, spans, bare, seen = Runs(stage), [], [], []
        for _ in range(options.rounds):
            bare.append(bare_loop_ns(stage, stamps, "Lines", path, rows + 1, items=rows))
            first = Reading(stage, 0)
            jid = runs.begin("Csv", path)
            seen.append(watch_memory(stage, jid))
            runs.until_done(jid, rows)
            spans.append(Span(first, Reading(stage, rows)))
            say("    %s rows/s, %.0f ns of a core; its lines alone %.0f ns | PSS of the child %d "
                "KiB at most, %+d on the way, of droverd %d, %+d"
                % (f"{spans[-1].rate:,.0f}", ns(spans[-1]), bare[-1],
                   max(pss for pss, _ in seen[-1]), grown_kb([pss for pss, _ in seen[-1]]),
                   max(pss for _, pss in seen[-1]), grown_kb([pss for _, pss in seen[-1]])))
    yield Row(name + ", empty C function", "{:,.0f} rows/s".format(
        median([span.rate for span in spans])))
    yield Row(name + ", core time a row", "%.0f ns" % median(list(map(ns, spans))),
              "%.0f ns" % median(bare), median([b / ns(s) for b, s in zip(bare, spans)]))
    for who, place, most in (("its child", 0, 1024), ("droverd", 1, 8192)):
        peak = max(pair[place] for one in seen for pair in one)
        grown = median([grown_kb([pair[place] for pair in one]) for one in seen])
        yield Row("%s, memory of %s" % (name, who), "%d KiB, %+.0f KiB on the way" % (peak, grown),
                  target="< %d MiB, not growing" % (most // 1024),
                  met=peak < most and grown < 128)


# -- stops ---------------------------------------------------------------------------------------

TEN_MS = {"TenMs": {"each": {"range": "1..1000000000"}, "function": "item_ten_ms"}}


def say_times(name, took, which, most_ms):
    """`which` of them is judged: median or max."""
    say("    ms: " + " ".join("%.1f" % ms for ms in took))
    return Row(name, "p50 %.0f ms, worst %.0f ms" % (median(took), max(took)),
               target="%s < %d ms" % ({median: "p50", max: "worst"}[which], most_ms),
               met=which(took) < most_ms)


def deploys(options):
    """TERM to exit while every worker is in the middle of a run; each goes on at the next start."""
    workers, times = 32, options.rounds * 4
    name = "TERM to exit, items of 10 ms in all %d workers" % workers
    say("%s: %d times" % (name, times))
    took = []
    with with_stamps(options, dict(TEN_MS), workers, "TenMs") as (stage, stamps):
        runs = Runs(stage)
        for _ in range(workers):
            runs.begin("TenMs")
        for number in range(times):
            if number > 0:
                stage.start_drover()
            for _ in range(workers):
                stamps.read()
            took.append(stage.stop_drover())
    yield say_times(name, took, median, 100)


class Orders:
    """`drover` and the time until what it says has come true."""

    def __init__(self, stage, stamps):
        self.stage, self.stamps, self.runs = stage, stamps, Runs(stage)

    def tell(self, *words):
        code, _, err = command("drover", "--redis", self.stage.redis.url, *words)
        if code != 0:
            raise AssertionError("drover %s: %s" % (" ".join(words), err))

    def begin(self):
        jid = self.runs.begin("TenMs")
        return jid, self.stamps.read()

    def time(self, child, *words):
        """From the command's start until its child is gone: nothing is begun any more."""
        started = time.monotonic()
        self.tell(*words)
        until(lambda: not processes.alive(child), "the child to be gone", every=0.0005)
        return (time.monotonic() - started) * 1000

    def pause(self):
        jid, child = self.begin()
        took = self.time(child, "pause", jid)
        until_state(self.stage, jid, "paused")
        return took

    def pause_all(self):
        jid, child = self.begin()
        took = self.time(child, "pause", "--all", "--reason", "bench")
        until(lambda: not self.stage.at_work(), "no job to be at work")
        self.tell("resume", "--all")
        self.stamps.read()
        self.tell("cancel", jid)
        until_state(self.stage, jid, "cancelled")
        return took

    def cancel(self):
        jid, child = self.begin()
        took = self.time(child, "cancel", jid)
        until_state(self.stage, jid, "cancelled")
        return took


def orders(options):
    """From `drover pause` or `drover cancel` to no item any more."""
    times = options.rounds * 4
    with with_stamps(options, dict(TEN_MS), 4, "TenMs") as (stage, stamps):
        them = Orders(stage, stamps)
        for name, order in (("drover pause JID", them.pause), ("drover cancel JID", them.cancel),
                            ("drover pause --all", them.pause_all)):
            say("%s, items of 10 ms, to the end of the child: %d times" % (name, times))
            took = [order() for _ in range(times)]
            yield say_times(name + " to its effect", took, max, 1010)


# -- rates ---------------------------------------------------------------------------------------

def read_ledger(path):
    with open(path, "rb") as file:
        return sorted(stamp for stamp, in struct.iter_unpack("=q", file.read()))


def rated(options, seconds):
    """A rate that three parts share over two supervisors."""
    want, parts = 200, 3
    items = want * seconds
    name = "rate: %d/s in %d parts over two supervisors, %d s" % (want, parts, seconds)
    say("%s: counted by the filter, from the first item to the last" % name)
    with tempfile.TemporaryDirectory(prefix="drover-bench-") as folder:
        ledger = os.path.join(folder, "ledger")
        open(ledger, "w").close()
        jobs = {"Rated": {"each": {"range": "1..{args.0}"}, "filter": [program("bench/filter")],
                          "rate": "%d/s" % want, "parallel": parts,
                          "env": {"BENCH_LEDGER": ledger}}}
        with Stage(options, placements()[0], jobs, 2) as stage:
            other, runs = stage.start_another("bench2"), Runs(stage)
            jid = runs.begin("Rated", items)
            until(lambda: stage.at_work() and stage.at_work(other), "both to have parts")
            runs.until_done(jid, items, seconds * 2 + 20)
        stamps = read_ledger(ledger)
    if len(stamps) != items:
        raise AssertionError("%d items, not %d" % (len(stamps), items))
    rate = (items - 1) * 1e9 / (stamps[-1] - stamps[0])
    middle = stamps[items // 10:-(items // 10)]
    say("    %.1f/s; %.1f/s without the first and the last tenth"
        % (rate, (len(middle) - 1) * 1e9 / (middle[-1] - middle[0])))
    yield Row(name, "%.1f/s" % rate, "%d/s" % want, rate / want, "within 2 %",
              abs(rate / want - 1) <= 0.02)


def rates(options):
    for seconds in options.scaled((10, 60), (5,)):
        yield from rated(options, seconds)


ITERATION_ROWS = {"range": iterate, "filter": filtered, "csv": csv, "deploys": deploys,
                  "orders": orders, "rate": rates}
