"""rows: each row of the table is measured here, beside its floor and in turns with it.

A row function takes the options, says what it sees as it goes, and yields Row objects.
"""

import collections
import contextlib
import os
import re
import select
import statistics
import struct
import subprocess
import tempfile
import time

import processes
from rig import program, until
from scripts import ScriptsFloor
from stage import Reading, Span, Stage, fork_floor, placements, spawn_floor

# The others' share of the machine up to which a round counts; a tenth is the kernel's own work.
# Above it the scheduler decides, and it favours many processes over one.
QUIET = 0.2
NOOP = {"Noop": {"function": "noop"}}
WHERE = {"same": "", "apart": ", redis-server on other cores"}


class Row:
    """A line of the table. `met`: True, False, "disturbed"; None: there is no target for it."""

    def __init__(self, name, ours, floor="", ratio=None, target="", met=None):
        self.name, self.ours, self.floor = name, ours, floor
        self.ratio, self.target, self.met = ratio, target, met


def say(text):
    print(text, flush=True)


def median(values):
    return statistics.median(values)


def percentile(values, share):
    values = sorted(values)
    return values[min(len(values) - 1, int(len(values) * share))]


def jobs_a_second(rate):
    return "{:,.0f} jobs/s".format(rate)


# -- rates -------------------------------------------------------------------------------------

class Round:
    """The floor, then drover, one right after the other."""

    def __init__(self, floor, span):
        self.floor, self.span = floor, span
        self.ratio = span.rate / floor.rate
        self.quiet = max(floor.foreign, span.foreign) <= QUIET

    def say(self):
        parts = ", ".join("%s %.1f" % pair for pair in sorted(self.span.us_a_job.items()))
        say("    %8.0f jobs/s, floor %8.0f, ratio %.2f | core us/job: %s = %.1f, floor %.1f | "
            "others took %.0f %% of the machine, %.0f %% beside the floor%s"
            % (self.span.rate, self.floor.rate, self.ratio, parts, self.span.total_us_a_job,
               self.floor.us_each, self.span.foreign * 100, self.floor.foreign * 100,
               "" if self.quiet else ": disturbed"))


def in_turns(options, measure_floor, measure_ours):
    """Rounds until enough were quiet, at most twice as many as asked for."""
    rounds = []
    while sum(r.quiet for r in rounds) < options.rounds and len(rounds) < 2 * options.rounds:
        rounds.append(Round(measure_floor(), measure_ours()))
        rounds[-1].say()
    return rounds


def rate_rows(options, name, rounds, least):
    """Quiet rounds decide; where there were too few, all are told and nothing is decided."""
    quiet = [r for r in rounds if r.quiet]
    enough = len(quiet) >= options.rounds
    rounds = quiet if enough else rounds
    ratio = median([r.ratio for r in rounds])
    verdict = ratio >= least if enough else "disturbed"
    yield Row(name, jobs_a_second(median([r.span.rate for r in rounds])),
              "{:,.0f}/s".format(median([r.floor.rate for r in rounds])), ratio,
              ">= %.2f of the floor" % least, verdict)
    yield cost_row(name, [r.span for r in rounds], median([r.floor.us_each for r in rounds]))


def cost_row(name, spans, floor_us):
    """Core time a job: what a busy machine disturbs least."""
    parts = {who: median([s.us_a_job[who] for s in spans]) for who in spans[0].us_a_job}
    total = median([s.total_us_a_job for s in spans])
    ours = "%.0f us: " % total + ", ".join(
        "%s %.0f" % (who, parts[who]) for who in ("droverd", "nursery", "children", "redis"))
    return Row(name + ", core time a job", ours, "%.0f us" % floor_us,
               floor_us / total)


def forks(options):
    """A process a job: a C function that does nothing."""
    count = options.scaled(20000, 3000)
    for place in placements():
        least = 0.85 if place.name == "apart" else 0.7
        for workers in (8, 32):
            name = "fork a job, %d workers%s" % (workers, WHERE[place.name])
            say("%s: %d rounds of %d jobs, each after drover-nursery-module --floor %d %d MODULE"
                % (name, options.rounds, count, count, workers))
            with Stage(options, place, NOOP, workers) as stage:
                stage.warm_up("Noop")
                rounds = in_turns(options, lambda: fork_floor(place, count, workers),
                                  lambda: stage.perform("Noop", count))
            yield from rate_rows(options, name, rounds, least)


def commands(options):
    """A process a job: a static program that does nothing."""
    count, workers = options.scaled(10000, 2000), 32
    jobs = {"Nothing": {"command": [program("bench/nothing")]}}
    for place in placements():
        name = "commands, %d workers%s" % (workers, WHERE[place.name])
        say("%s: %d rounds of %d jobs, each after drover-nursery --floor-spawn %d %d PROGRAM"
            % (name, options.rounds, count, count, workers))
        with Stage(options, place, jobs, workers) as stage:
            stage.warm_up("Nothing")
            rounds = in_turns(options, lambda: spawn_floor(place, count, workers),
                              lambda: stage.perform("Nothing", count))
        yield from rate_rows(options, name, rounds, 0.8)


# -- children used again -----------------------------------------------------------------------

def script_calls(redis):
    """(calls of scripts, their server time in us) since the server began."""
    for line in redis.call("INFO", "commandstats").splitlines():
        if line.startswith("cmdstat_evalsha:"):
            stats = dict(pair.split("=") for pair in line.partition(":")[2].split(","))
            return int(stats["calls"]), int(stats["usec"])
    return 0, 0


def perform_and_tell_batches(stage, cls, count):
    """How many jobs a pair of script calls carried, and what a job cost inside the server."""
    calls, us = script_calls(stage.redis)
    span = stage.perform(cls, count)
    more_calls, more_us = script_calls(stage.redis)
    say("      below: %.1f jobs a pair of calls, %.1f us in scripts a job"
        % (2 * count / max(1, more_calls - calls), (more_us - us) / count))
    return span


def scripts_floor(redis, count, batch):
    floor = ScriptsFloor(redis, count, batch)
    say("      scripts alone: redis-server busy for %.0f %% of a core" % (floor.busy * 100))
    return floor


def reuse(options):
    """Children perform a hundred jobs each, so that Redis decides."""
    count, workers, batch = options.scaled(100000, 10000), 32, 100
    jobs = {"Noop": {"function": "noop", "reuse": 100}}
    for place in placements():
        name = "reuse: 100, %d workers%s" % (workers, WHERE[place.name])
        say("%s: %d rounds of %d jobs, each after fetch.lua and finish.lua alone, %d jobs a call, "
            "pipelined" % (name, options.rounds, count, batch))
        with Stage(options, place, jobs, workers) as stage:
            stage.warm_up("Noop", 2000)
            rounds = in_turns(options, lambda: scripts_floor(stage.redis, count, batch),
                              lambda: perform_and_tell_batches(stage, "Noop", count))
        rate, cost = rate_rows(options, name, rounds, 0.5)
        cost.floor, cost.ratio = cost.floor + ", redis alone", None
        yield from (rate, cost)


# -- latency -----------------------------------------------------------------------------------

class Stamps:
    """A FIFO into which the functions of bench_module.c write a figure each."""

    def __init__(self, folder):
        self.path = os.path.join(folder, "stamps")
        os.mkfifo(self.path)
        self.fd = os.open(self.path, os.O_RDWR)

    def read(self):
        if not select.select([self.fd], [], [], 20)[0]:
            raise AssertionError("no job told its figure for 20 s")
        return struct.unpack("=q", os.read(self.fd, 8))[0]


@contextlib.contextmanager
def telling(options, cls, job, workers, **supervisor):
    """(stage, stamps): a stage whose jobs of one class tell figures."""
    with tempfile.TemporaryDirectory(prefix="drover-bench-") as folder:
        stamps = Stamps(folder)
        jobs = {cls: dict(job, env={"BENCH_STAMPS": stamps.path})}
        try:
            with Stage(options, placements()[0], jobs, workers, **supervisor) as stage:
                yield stage, stamps
        finally:
            os.close(stamps.fd)


def latencies(stage, stamps, count):
    """One job at a time, each when drover has become idle again."""
    stage.redis.call("SADD", "resque:queues", "bench")
    took = []
    for number in range(count):
        before = stage.done()
        job = b'{"class":"Stamp","args":[%d]}' % time.monotonic_ns()
        stage.redis.call("RPUSH", "resque:queue:bench", job)
        took.append(stamps.read() / 1000)
        until(lambda: stage.done() > before, "the verdict", every=0.0005)
        time.sleep(0.002 + 0.0001 * (number % 30))
    return took


def latency_row(options, spares):
    count = options.scaled(2000, 200)
    name = "idle latency, spares: %d" % spares
    say("%s: %d jobs one after the other, RPUSH to the first instruction of the function"
        % (name, count))
    job = {"function": "stamp", "spares": spares}
    with telling(options, "Stamp", job, 4) as (stage, stamps):
        latencies(stage, stamps, 20)
        took = latencies(stage, stamps, count)
    p50, p99 = median(took), percentile(took, 0.99)
    say("    p50 %.0f us, p90 %.0f us, p99 %.0f us, largest %.0f us"
        % (p50, percentile(took, 0.9), p99, max(took)))
    row = Row(name, "p50 %.2f ms, p99 %.2f ms" % (p50 / 1000, p99 / 1000))
    if spares:
        row.target, row.met = "p50 < 1 ms, p99 < 5 ms", p50 < 1000 and p99 < 5000
    return row


def latency(options):
    """Enqueue to the first instruction of the handler, while nothing else is to do."""
    yield latency_row(options, 1)
    yield latency_row(options, 0)


# -- memory ------------------------------------------------------------------------------------

def look_at_memory(stage, last):
    """PSS of droverd, KiB, at each tenth of the way."""
    start, seen = stage.done(), []
    for tenth in range(1, 10):
        stage.until_done(start + (last - start) * tenth // 10, 600, 0.1)
        seen.append(stage.drover.pss_kb())
    return seen


def memory(options):
    """droverd's own memory with every worker busy."""
    count = options.scaled(1000000 if options.full else 100000, 10000)
    name = "memory of droverd, 32 workers busy, {:,} jobs".format(count)
    say("%s: PSS at each tenth" % name)
    with Stage(options, placements()[0], NOOP, 32) as stage:
        stage.warm_up("Noop", 2000)
        last = stage.done() + count
        stage.fill("Noop", count)
        stage.go()
        seen = look_at_memory(stage, last)
        stage.until_done(last, 600)
    say("    KiB: " + " ".join(map(str, seen)))
    grown = median(seen[-3:]) - median(seen[:3])
    yield Row(name, "%.1f MiB, %+.0f KiB on the way" % (max(seen) / 1024, grown),
              target="< 8 MiB, not growing", met=max(seen) < 8192 and grown < 256)


def private_kb(pid):
    """Memory that only this process has."""
    found = 0
    for line in processes.read_proc(pid, "smaps_rollup").decode().splitlines():
        if line.startswith(("Private_Clean:", "Private_Dirty:")):
            found += int(line.split()[1])
    return found


def child(options):
    """What one more running job costs in memory, when it does nothing."""
    workers = 8
    name = "memory of a child that does nothing"
    say("%s: PSS and private pages, median of %d children that sleep" % (name, workers))
    with telling(options, "Doze", {"function": "doze"}, workers,
                 shutdown_grace="1s") as (stage, stamps):
        stage.push("Doze", workers)
        asleep = [stamps.read() for _ in range(workers)]
        pss, own = list(map(processes.pss_kb, asleep)), list(map(private_kb, asleep))
    yield Row(name, "%d KiB, %d of them private" % (median(pss), median(own)),
              target="< 1 MiB", met=median(pss) < 1024)


# -- idle --------------------------------------------------------------------------------------

def commands_sent(redis, seconds):
    """What clients (not scripts) ask of Redis in that time, by MONITOR: INFO's commandstats count
    what scripts call inside, too."""
    redis.call("PING")
    watcher = redis.client
    redis.client = None
    watcher.call("MONITOR")
    deadline, lines = time.monotonic() + seconds, []
    while (left := deadline - time.monotonic()) > 0:
        watcher.socket.settimeout(left)
        try:
            lines.append(watcher.read())
        except TimeoutError:
            break
    watcher.close()
    return [line for line in lines if " lua] " not in line]


def idle(options):
    """What droverd costs while there is nothing to do."""
    seconds = options.scaled(10, 4)
    say("idle cost: 32 workers, %d s without a job" % seconds)
    with Stage(options, placements()[0], NOOP, 32) as stage:
        stage.warm_up("Noop")
        time.sleep(1)
        first = Reading(stage, 0)
        sent = commands_sent(stage.redis, seconds)
        last = Reading(stage, 1)
        span = Span(first, last)
    share = span.cpu["droverd"] / span.took_us
    words = collections.Counter(line.partition("] ")[2].split()[0].strip('"') for line in sent)
    say("    " + ", ".join("%s %d" % pair for pair in words.most_common()))
    yield Row("idle: droverd's share of a core", "%.3f %%" % (share * 100), target="< 0.1 %",
              met=share < 0.001)
    yield Row("idle: commands to Redis", "%.1f/s" % (len(sent) / seconds), target="<= 3/s",
              met=len(sent) / seconds <= 3)


# -- deploys -----------------------------------------------------------------------------------

def term_rounds(options, busy):
    took = []
    with Stage(options, placements()[0], {"TenMs": {"function": "ten_ms"}}, 32) as stage:
        for _ in range(options.rounds):
            if not stage.drover.running:
                stage.start_drover()
            stage.warm_up("TenMs")
            if busy:
                done = stage.done()
                stage.push("TenMs", 20000)
                stage.until_done(done + 500)
            took.append(stage.stop_drover())
            stage.redis.call("DEL", "resque:queue:bench")
    return took


def term(options):
    """TERM to exit."""
    for name, busy in (("idle", False), ("plain 10 ms jobs in all 32 workers", True)):
        say("TERM to exit, %s: %d times" % (name, options.rounds))
        took = term_rounds(options, busy)
        say("    ms: " + " ".join("%.1f" % ms for ms in took))
        yield Row("TERM to exit, " + name, "%.0f ms" % median(took), target="< 100 ms",
                  met=median(took) < 100)


# -- items -------------------------------------------------------------------------------------

def each(options):
    """What an item of an `each` costs in its child, without droverd."""
    items, filtered = options.scaled(20000000, 5000000), options.scaled(200000, 20000)
    say("each: bench/each %d %d, %d times" % (items, filtered, options.rounds))
    runs = [subprocess.run([program("bench/each"), str(items), str(filtered)], check=True,
                           stdout=subprocess.PIPE, text=True).stdout
            for _ in range(options.rounds)]
    functions, filters, bare = [
        median([float(re.search(pattern, run).group(1)) for run in runs])
        for pattern in (r"function per_second=(\d+)", r"filter per_second=(\d+)", r"bare=(\d+)")]
    yield Row("items of a range, a C function that does nothing", "{:,.0f}/s".format(functions),
              target=">= 5,000,000/s", met=functions >= 5e6)
    yield Row("items through a filter", "{:,.0f}/s".format(filters), "{:,.0f}/s".format(bare),
              filters / bare, ">= 0.60 of the floor", filters >= 0.6 * bare)


# What `--only` names, in the order of the table.
ROWS = {"fork": forks, "reuse": reuse, "commands": commands, "latency": latency, "memory": memory,
        "child": child, "idle": idle, "term": term, "each": each}

