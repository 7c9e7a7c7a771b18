"""fsck_bed: findings of drover fsck planted by hand, told, and mended where that is safe."""

import json

from rig import SystemTest, command

LEASE = "gone:77:0123456789abcdef"
JOB = '{"class":"A","args":[1],"jid":"j1","drover":{"attempt":2}}'


def entry(item, jid="none", mark="taken"):
    return "%s 1 %s 8 w.1:77:q 3 low %s" % (mark, jid, item)


class FsckTest(SystemTest):
    conserves = False  # jobs are planted where no supervisor would put them
    holds = False      # and findings with them

    def tearDown(self):
        self.redis.call("FLUSHALL")
        super().tearDown()

    def drover_fsck(self, *words):
        code, out, err = command("drover", "--redis", self.redis.url, "fsck", "--json", *words)
        self.assertEqual(err, "")
        answer = json.loads(out)
        self.assertEqual(code, 0 if answer["ok"] else 1)
        return answer

    def found(self, *words):
        """kind, where of everything that is told."""
        return [(f["kind"], f["where"]) for f in self.drover_fsck(*words)["findings"]]

    def plant(self, *commands):
        for words in commands:
            self.redis.call(words[0], "resque:" + words[1], *words[2:])

    def lives(self, lease="here:1:0000000000000000"):
        """A lease that is registered for an hour."""
        now = int(self.redis.call("TIME")[0]) * 1000
        self.plant(("ZADD", "drover:supervisors", now + 3600000, lease))
        return "drover:lease:" + lease

    def expect(self, kind, where, notice=False):
        answer = self.drover_fsck()
        self.assertEqual([(f["kind"], f["where"]) for f in answer["findings"]], [(kind, where)])
        finding = answer["findings"][0]
        self.assertEqual(finding["level"], "notice" if notice else "finding")
        self.assertEqual(answer["ok"], notice)
        return finding

    def mends(self, kind, where, notice=False):
        self.assertTrue(self.expect(kind, where, notice)["repair"])
        answer = self.drover_fsck("--repair")
        self.assertEqual([f["mended"] for f in answer["findings"]], [True])
        self.assertTrue(answer["ok"])
        self.assertEqual(self.found(), [])

    def leaves(self, kind, where, notice=False):
        before = self.redis.keys()
        self.assertIsNone(self.expect(kind, where, notice)["repair"])
        self.assertEqual(self.found("--repair"), [(kind, where)])
        self.assertEqual(self.redis.keys(), before)
