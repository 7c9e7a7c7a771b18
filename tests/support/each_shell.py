"""each_shell: iterating jobs for the tests: a filter that is a shell script notes its items in a file."""

import json

from rig import SystemTest, command


class ShellTest(SystemTest):
    """What the tests of iterating jobs have in common."""

    def filter(self, before="", answer="echo ok", **keys):
        """An entry whose filter notes every item in `items`, then answers."""
        keys.setdefault("each", {"range": "1..{args.0}"})
        script = "while read -r item; do %s printf '%%s\\n' \"$item\" >> %s; %s; done" % (
            before, self.path("items"), answer)
        return dict({"filter": ["/bin/sh", "-c", script]}, **keys)

    def slow(self, **keys):
        """Items that take a hundredth of a second each."""
        return self.filter(before="sleep 0.01;", **keys)

    def gated(self, at, **keys):
        """Waits at item `at` until the gate is open."""
        return self.filter(before="if [ $item = %d ]; then until [ -e %s ]; do sleep 0.01; done; fi;"
                           % (at, self.path("go")), **keys)

    def items(self):
        return (self.read("items") or "").split("\n")[:-1]

    def until_items(self, count):
        self.until(lambda: len(self.items()) >= count, "%d items" % count)

    def run_job(self, cls, *args, jid="run", **members):
        self.enqueue("default", cls, *args, jid=jid, **members)
        return jid

    def record(self, jid="run", field=None):
        pairs = self.redis.call("HGETALL", "resque:drover:run:" + jid)
        record = dict(zip(pairs[::2], pairs[1::2]))
        return record if field is None else record.get(field)

    def part(self, name, part=0, jid="run"):
        return self.redis.call("HGET", "resque:drover:run:%s:parts" % jid, "%d:%s" % (part, name))

    def errors(self, jid="run"):
        pairs = self.redis.call("HGETALL", "resque:drover:run:%s:errors" % jid)
        return {int(k): json.loads(v) for k, v in zip(pairs[::2], pairs[1::2])}

    def audit(self, jid="run"):
        return [json.loads(line)["what"]
                for line in self.redis.call("LRANGE", "resque:drover:run:%s:audit" % jid, 0, -1)]

    def until_state(self, state, jid="run"):
        self.until(lambda: self.record(jid, "state") == state,
                   "%s to be %s, not %s" % (jid, state, self.record(jid, "state")))

    def cli(self, *words, code=0):
        got, out, err = command("drover", "--redis", self.redis.url, *words)
        self.assertEqual(got, code, out + err)
        return out

    def paused(self):
        return self.redis.call("HLEN", "resque:drover:paused:jobs")

    def assert_each_once(self, count):
        self.assertEqual(sorted(self.items(), key=int), [str(n) for n in range(1, count + 1)])
