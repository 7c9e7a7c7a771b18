"""embedded: the text of src/queue/lua/NAME.lua as it is embedded, with what it includes."""

import os
import re

LUA = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "src", "queue", "lua")


def read(*path):
    with open(os.path.join(LUA, *path), encoding="utf-8") as file:
        return file.read()


def script(name):
    return re.sub(r"^-- include: (\w+)\n", lambda part: read("shared", part[1] + ".lua"),
                  read(name + ".lua"), flags=re.M)
