#!/usr/bin/env python3
"""points: has a process kill itself at every crash point in turn, and prints what came of the jobs.

    tests/torture/points.py [--each] [POINT ...]      default: all of src/base/crash.c

Each point is met twice, under a small load of plain jobs, or of iterating ones where it is a step
of these (each_scene.py), or with --each. "same": the supervisor is started again at once on its
state_dir, nobody else is there. "other": it stays away, as if its machine had died, and a second
one, on another state_dir, takes over. `again` counts jobs that were begun twice, `after` is when the
last job that was in hand began again. The exit status is 0 only where nothing was lost, nothing ran
beside itself, and all came back in time: at once on the same host, within lease + 2 s elsewhere.
"""

import os
import re
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "support"))
from scene import NOT_OURS, Scene  # noqa: E402  (it says which build, before rig is read)
from each_scene import EACH_POINTS, EachScene  # noqa: E402
from rig import ROOT, RedisServer  # noqa: E402

PLAIN = ("promote", "fire", "reenter")  # never met by iterating jobs alone


def all_points():
    with open(os.path.join(ROOT, "src", "base", "crash.c")) as file:
        table = file.read().split("crash_points[] = {")[1].split("};")[0]
    return re.findall(r'"([a-z.]+)"', table)


def show(row):
    lost, again, after, _ = row
    return "%4d %5d %8s" % (lost, again, "-" if after is None else "%d ms" % after)


def scene_of(point, iterating):
    return EachScene if iterating or point in EACH_POINTS else Scene


def meet_points(points, say=print, variants=("same", "other"), iterating=False):
    """Meets each; the sentences of what went wrong."""
    wrong = []
    with tempfile.TemporaryDirectory(prefix="drover-points-") as folder:
        redis = RedisServer(folder, appendonly="yes", appendfsync="always").start()
        try:
            say("%-17s %4s   %s" % ("point", "jobs", "   ".join(
                "%s: lost again    after" % v for v in variants)))
            for point in points:
                rows = []
                for variant in variants:
                    scene = scene_of(point, iterating)(redis, point, variant)
                    try:
                        found = scene.play()
                    finally:
                        scene.end()
                    wrong += ["%s, %s host: %s" % (point, variant, words) for words in found]
                    rows.append(show(scene.row))
                say("%-17s %4d   %s%s" % (point, scene.count, "         ".join(rows),
                                          "  " + NOT_OURS.get(point, "")))
        finally:
            redis.kill()
    return wrong


def main():
    words, iterating = sys.argv[1:], "--each" in sys.argv
    points = [word for word in words if word != "--each"] or [
        point for point in all_points() if not iterating or point.split(".")[0] not in PLAIN]
    wrong = meet_points(points, lambda line: print(line, flush=True), iterating=iterating)
    for words in wrong:
        print("WRONG: " + words)
    print("%d passed, %d failed" % (not wrong, len(wrong)))
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
