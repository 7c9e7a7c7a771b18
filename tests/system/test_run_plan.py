"""drover run --dry-run: what a job would go over, read here, and nothing is run or enqueued."""

import json
import os
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
from rig import SystemTest, command, main, program, yaml  # noqa: E402

PRINTS = "i=$DROVER_CURSOR; while [ ${{i:-0} -lt 7 ]; do i=$((i + 1)); printf '%d\\titem %d\\n' $i $i; done"


class Plan(SystemTest):
    def plan(self, jobs, *words, input=None):
        """The document; the command's Redis is never looked for."""
        jobs = {name: dict({"filter": ["touch", self.path("performed")]}, **job)
                for name, job in jobs.items()}
        with open(self.path("plan.yml"), "w") as file:
            file.write(yaml({"redis": {"url": "unix:///nowhere"}, "jobs": jobs}) + "\n")
        code, out, err = command("drover", "-c", self.path("plan.yml"), "run", "--dry-run", "--json",
                                 *words, input=input)
        self.assertEqual((code, err), (0, ""))
        self.assertFalse(os.path.exists(self.path("performed")))
        return json.loads(out)

    def items(self, *arguments, **keywords):
        plan = self.plan(*arguments, **keywords)
        return plan["total"], [item["item"] for item in plan["items"]]

    def write(self, name, text):
        with open(self.path(name), "w") as file:
            file.write(text)
        return self.path(name)

    def test_numbers(self):
        jobs = {"Numbers": {"each": {"range": "{args.0}..{args.1}", "step": 3}}}
        self.assertEqual(self.items(jobs, "Numbers", "1", "100"),
                         (34, ["1", "4", "7", "10", "13"]))
        self.assertEqual(self.items(jobs, "Numbers", "1", "100", "--from", "5", "--limit", "3"),
                         (3, ["7", "10", "13"]))

    def test_a_file_of_the_class(self):
        path = self.write("lines", "".join("%d\n" % i for i in range(1, 21)))
        jobs = {"Lines": {"each": {"lines": "{args.0}"}, "batch": 4, "limit": 9}}
        plan = self.plan(jobs, "Lines", path)
        self.assertEqual([(i["number"], i["last"], i["item"]) for i in plan["items"]],
                         [(1, 4, '["1","2","3","4"]'), (5, 8, '["5","6","7","8"]'), (9, 9, '["9"]')])
        self.assertEqual(plan["total"], 9)

    def test_a_csv_file_that_would_be_sent(self):
        text = 'id;name\n1,"a ""b"\n2,"x\ny"\n'.replace(",", ";")
        want = (2, ['{"id":"1","name":"a \\"b"}', '{"id":"2","name":"x\\ny"}'])
        jobs = {"Rows": {"each": {"csv": "{args.0}", "separator": ";"}}}
        path = self.write("rows.csv", text)
        self.assertEqual(self.items(jobs, "Rows", "--csv", os.path.relpath(path)), want)
        self.assertEqual(self.items(jobs, "Rows", "--csv", "-", input=text), want)

    def test_keys(self):
        self.redis.call("RPUSH", "todo:7", *"abcdefg")
        jobs = {"Keys": {"each": {"redis": {"list": "todo:{args.0}", "url": self.redis.url}}},
                "Scan": {"each": {"redis": {"scan": "todo:*", "url": self.redis.url}}}}
        self.assertEqual(self.items(jobs, "Keys", "7", "--from", "2"), (6, list("bcdef")))
        self.assertEqual(self.items(jobs, "Scan"), (None, ["todo:7"]))

    def test_a_command(self):
        jobs = {"Printed": {"each": {"command": ["sh", "-c", PRINTS]}}}
        self.assertEqual(self.items(jobs, "Printed"), (None, ["item %d" % i for i in range(1, 6)]))

    def test_for_people(self):
        path = self.write("plan.yml", "jobs: {One: {each: {range: '5..5'}, filter: [cat]}}\n")
        code, out, err = command("drover", "-c", path, "run", "One", "--dry-run")
        self.assertEqual((code, out, err), (0, "NUMBER  ITEM\n     1  5\n1 item\n", ""))

    def test_what_cannot_be_read(self):
        path = self.write("plan.yml", "jobs: {Rows: {each: {csv: '{args.0}'}, filter: [cat]}}\n")
        for words, want, said in (
                (["-c", path, "run", "Rows"], 1, "drover: {args.0}: is missing\n"),
                (["-c", path, "run", "Rows", "/no/such"], 1,
                 "drover: /no/such: No such file or directory\n"),
                (["-c", path, "run", "Rows", "--csv", "/no/such"], 1,
                 "drover: /no/such: No such file or directory\n"),
                (["--redis", self.redis.url, "run", "Rows"], 64,
                 "drover: --dry-run needs a configuration that has the class\n")):
            self.assertEqual(command("drover", *words, "--dry-run"), (want, "", said))

    def test_a_nursery_that_is_given_no_message(self):
        done = subprocess.run([program("drover-nursery"), "--plan", "5"], input=b"nonsense", check=False,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.assertEqual((done.returncode, done.stdout), (1, b""))
        self.assertTrue(done.stderr.startswith(b"drover-nursery: "), done.stderr)


if __name__ == "__main__":
    main()
