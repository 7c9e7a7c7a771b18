"""collections_bed: one collection of each kind, in a folder and in a database of Redis of its own.

    for kind in beds(folder, redis, 150): kind.name, kind.entry (keys of the class), kind.items

The items are the lines a filter is given, in any order; kind.parts is more than 1 where it is divided.
"""

import collections
import json
import os

from each_rig import rows

Kind = collections.namedtuple("Kind", "name entry items parts")


def compact(value):
    return json.dumps(value, separators=(",", ":"))


def numbers(count, prefix=""):
    return [prefix + str(n) for n in range(1, count + 1)]


def files(folder, count):
    def path(name):
        return os.path.join(folder, name)
    lines = ["line %d %s" % (n, "x" * (n % 50)) for n in range(count)]
    with open(path("lines"), "w") as file:
        file.write("\n".join(lines))  # the last one without its end
    values = [compact({"n": n, "odd": n % 2 == 1}) for n in range(count)]
    with open(path("json"), "w") as file:
        file.write("\n".join(values) + "\n")
    quoted = rows(path("rows.csv"), count)
    with open(path("tabs.tsv"), "w", encoding="utf-8-sig") as file:
        file.write("a\tb\n" + "".join("%d\tu %d\n" % (n, n) for n in range(count)))
    tabs = [compact({"a": str(n), "b": "u %d" % n}) for n in range(count)]
    yield Kind("Lines", {"each": {"lines": path("lines")}}, lines, 1)
    yield Kind("LinesInParts", {"each": {"lines": path("lines")}, "parallel": 2}, lines, 2)
    yield Kind("Json", {"each": {"json": path("json")}}, values, 1)
    yield Kind("Csv", {"each": {"csv": path("rows.csv")}}, quoted, 1)
    yield Kind("CsvInParts", {"each": {"csv": path("rows.csv")}, "parallel": 3}, quoted, 3)
    yield Kind("Tabs", {"each": {"csv": path("tabs.tsv"), "separator": "tab"}}, tabs, 1)
    yield Kind("Inner", {"each": {"range": "1..%d" % (count // 10),
                                  "inner": {"command": ["/bin/sh", "-c", printing(10), "{item}"]}}},
               [compact([n, "%d of %d" % (k, n)]) for n in range(1, count // 10 + 1) for k in range(1, 11)], 1)


def printing(count):
    """Goes on behind the cursor it is given."""
    return ('n=$((DROVER_CURSOR)); while [ $n -lt %d ]; do n=$((n + 1)); '
            'printf "%%d\\t%%d of %%s\\n" $n $n "$0"; done' % count)


def ranges(count):
    yield Kind("Range", {"each": {"range": "1..%d" % count}}, numbers(count), 1)
    yield Kind("Steps", {"each": {"range": "%d..1" % (3 * count), "step": -3}},
               [str(n) for n in range(3 * count, 0, -3)], 1)
    yield Kind("RangeInParts", {"each": {"range": "1..%d" % count}, "parallel": 3},
               numbers(count), 3)
    yield Kind("Batches", {"each": {"range": "1..%d" % count}, "batch": 7},
               [compact(list(range(k, min(k + 7, count + 1))))
                for k in range(1, count + 1, 7)], 1)
    yield Kind("Window", {"each": {"range": "1..%d" % (3 * count)}, "from": count, "limit": count},
               [str(n) for n in range(count, 2 * count)], 1)
    yield Kind("Command", {"each": {"command": ["/bin/sh", "-c", printing(count), "all"]}},
               ["%d of all" % n for n in range(1, count + 1)], 1)


def members(redis, count):
    """In database 1, beside the jobs."""
    names = numbers(count, "m")
    fill = {"List": ("RPUSH", "list", names), "Set": ("SADD", "set", names),
            "Zset": ("ZADD", "zset", [w for n, m in enumerate(names) for w in (-n, m)]),
            "Hash": ("HSET", "hash", [w for m in names for w in (m, "v" + m)])}
    redis.pipeline([("SELECT", 1)] + [[command, key] + words for command, key, words in fill.values()]
                   + [("SET", "key:" + m, "") for m in names] + [("SELECT", 0)])
    given = {"Hash": [compact({"field": m, "value": "v" + m}) for m in names]}
    url = redis.url.replace("db=0", "db=1")
    for name, (_, key, _) in fill.items():
        yield Kind(name, {"each": {"redis": {key: key, "url": url}}}, given.get(name, names), 1)
    yield Kind("Scan", {"each": {"redis": {"scan": "key:*", "url": url}}},
               ["key:" + m for m in names], 1)
    yield Kind("ListInParts", {"each": {"redis": {"list": "list", "url": url}}, "parallel": 2},
               names, 2)


def beds(folder, redis, count):
    return [*ranges(count), *files(folder, count), *members(redis, count)]
