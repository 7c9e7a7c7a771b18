"""vectors: what real Resque clients and workers left in Redis, as recorded (tests/vectors)."""

import base64
import glob
import json
import os

FOLDER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "vectors")


def vector(name):
    """The scenario whose file name begins so: vector("12")."""
    paths = glob.glob(os.path.join(FOLDER, name + "-*.json"))
    assert len(paths) == 1, "one vector named %s, not %r" % (name, paths)
    with open(paths[0], encoding="utf-8") as file:
        return json.load(file)


def text(value):
    if isinstance(value, dict):
        return base64.b64decode(value["base64"]).decode("utf-8", "surrogateescape")
    return value


def queues(keyspace):
    """{queue name: its items} of a recorded keyspace ("before" or "after")."""
    prefix = "resque:queue:"
    return {key["key"][len(prefix):]: [text(item) for item in key["value"]]
            for key in keyspace if key["key"].startswith(prefix) and key["type"] == "list"}


def failures(keyspace):
    """The failure records of a recorded keyspace, decoded, members in their order."""
    return [json.loads(text(item)) for key in keyspace if key["key"] == "resque:failed"
            for item in key["value"]]
