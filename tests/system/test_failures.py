"""Failure records: exactly Resque's form, whatever the job or the client did (vectors 12 to 25)."""

import base64
import json
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
from rig import SystemTest, main, payload, sh  # noqa: E402
from vectors import failures, queues, vector  # noqa: E402

FAILED_AT = r"^\d{4}/\d\d/\d\d \d\d:\d\d:\d\d UTC$"


class Failures(SystemTest):
    def record_of(self, script, **keys):
        """Runs one job of this script; its record."""
        self.drover({"Job": sh(script, **keys)}, defaults={"env": {}})
        self.enqueue("default", "Job", 1, {"k": "v"})
        return self.until_failed(1)[0]

    def records_of(self, *items):
        """What becomes of these queue items, each followed by a good one; the records."""
        self.drover({"Archive": self.note()})
        for item in items:
            self.push("default", item, payload("Archive", "after"))
        self.until_processed(2 * len(items))
        self.assertEqual(self.noted().count(["after"]), len(items))
        return self.failed()

    def test_members_stand_in_resques_order(self):
        ours = self.record_of("exit 1")
        real = failures(vector("12")["after"])[0]
        self.assertEqual(list(ours)[:len(real)], list(real))
        for member, value in real.items():
            self.assertIs(type(ours[member]), type(value), member)
        self.assertRegex(ours["failed_at"], FAILED_AT)
        self.assertEqual(ours["payload"]["class"], "Job")
        self.assertEqual(ours["payload"]["args"], [1, {"k": "v"}])
        self.assertEqual(ours["worker"].count(":"), 2)
        self.assertEqual(ours["queue"], "default")

    def test_exit_status(self):  # vectors 16 and 17: Resque loses the first, names no number
        record = self.record_of("echo one; echo two >&2; exit 3")
        self.assertEqual(record["exception"], "Drover::ExitStatus")
        self.assertRegex(record["error"], r"\b3\b")
        self.assertEqual(sorted(record["backtrace"]), ["one", "two"])

    def test_exit_100_is_for_good(self):
        record = self.record_of("exit 100")
        self.assertEqual(record["exception"], "Drover::ExitStatus")
        self.assertRegex(record["error"], r"\b100\b")

    def assert_dirty_exit(self, name, number):
        record = self.record_of("kill -%s $$" % name)
        self.assertEqual(record["exception"], "Resque::DirtyExit")
        self.assertRegex(record["error"], r"^Child process received unhandled signal pid \d+ "
                         r"SIG%s \(signal %d\)" % (name, number))
        self.assertEqual(record["backtrace"], [])

    def test_killed(self):  # vector 14
        self.assert_dirty_exit("KILL", 9)

    def test_aborted(self):  # vector 15
        self.assert_dirty_exit("ABRT", 6)

    def test_what_the_job_says_of_its_error(self):
        record = self.record_of(
            'echo output; printf \'error {"exception":"Boom::Error","message":"boom \\\\"x\\\\"",'
            '"backtrace":["a.rb:1","b.rb:2"]}\\n\' >&$DROVER_FD; exit 1')
        self.assertEqual(record["exception"], "Boom::Error")
        self.assertEqual(record["error"], 'boom "x"')
        self.assertEqual(record["backtrace"], ["a.rb:1", "b.rb:2"])

    def test_output_that_is_no_utf8(self):  # vector 18: Resque loses the record
        record = self.record_of("printf 'caf\\351 <b>\\n\\000\\033[1m\\n'; exit 1")
        self.assertEqual(record["backtrace"][0], "caf\ufffd <b>")
        raw = self.redis.call("LINDEX", "resque:failed", 0)
        raw.encode("utf-8", "strict")

    def test_error_line_that_is_no_utf8(self):
        record = self.record_of(
            "printf 'error {\"exception\":\"E\",\"message\":\"caf\\351\"}\\n' >&$DROVER_FD; exit 1")
        self.redis.call("LINDEX", "resque:failed", 0).encode("utf-8", "strict")
        self.assertIn(record["exception"], ("E", "Drover::ExitStatus"))

    def test_program_that_is_not_there(self):
        self.drover({"Job": {"command": ["/nowhere/at/all"]}, "Ok": sh("true")})
        self.enqueue("default", "Job")
        self.enqueue("default", "Ok")
        self.until_processed(2)
        record = self.failed()[0]
        self.assertEqual(record["exception"], "Drover::SpawnFailed")
        self.assertIn("/nowhere/at/all", record["error"])
        self.assertIn("No such file or directory", record["error"])

    def test_directory_that_is_not_there(self):
        record = self.record_of("true", directory="/nowhere")
        self.assertEqual(record["exception"], "Drover::SpawnFailed")
        self.assertIn("/nowhere", record["error"])

    def test_unknown_class(self):  # vector 13
        record = self.records_of(payload("Nobody", 1))[0]
        self.assertEqual(record["exception"], "Drover::UnknownClass")
        self.assertIn("Nobody", record["error"])
        self.assertEqual(record["payload"]["args"], [1])

    def assert_bad_payload(self, record, raw):
        self.assertEqual(record["exception"], "Drover::BadPayload", record)
        self.assertEqual(record["payload"], raw)
        self.assertEqual(record["backtrace"], [])
        self.assertRegex(record["failed_at"], FAILED_AT)

    def test_poison_of_the_vectors(self):  # 20 to 24
        items = [queues(vector(number)["before"])["default"][0] for number in
                 ("20", "21", "22", "23", "24")]
        records = self.records_of(*items)
        self.assertEqual(len(records), len(items))
        for record, raw in zip(records, items):
            self.assert_bad_payload(record, raw)

    def test_more_poison(self):
        items = ["", "{", '{"class":""}', '{"class":7,"args":[]}', '{"class":"Archive","args":{}}',
                 '{"class":"Archive","args":[]} trailing', "[" * 5000, '{"a":' * 3000,
                 payload("Archive", 1, jid="no blanks allowed"), payload("Archive", 1, jid="")]
        records = self.records_of(*items)
        self.assertEqual([record["exception"] for record in records],
                         ["Drover::BadPayload"] * len(items))

    def test_payload_that_is_no_utf8_is_kept_whole(self):
        raw = b'{"class":"Archive","args":["caf\xe9"]}'
        record = self.records_of(raw.decode("utf-8", "surrogateescape"))[0]
        self.assertEqual(record["exception"], "Drover::BadPayload")
        self.assertEqual(base64.b64decode(record["payload_base64"]), raw)
        self.assertIn("\ufffd", record["payload"])

    def test_payload_that_is_too_large(self):
        self.drover({"Archive": sh("true")}, supervisor={"max_payload": "64K"})
        self.enqueue("default", "Archive", "x" * 70000)
        self.enqueue("default", "Archive", "x" * 60000)
        self.until_processed(2)
        self.assertEqual([r["exception"] for r in self.failed()], ["Drover::BadPayload"])

    def test_no_args_key_means_no_arguments(self):  # vector 25
        item = queues(vector("25")["before"])["default"][0]
        self.assertEqual(self.records_of(item), [])
        self.assertIn([], self.noted())

    def test_payload_text_is_spliced_as_it_came(self):
        args = '[1180591620717411303424,1.0,7.10,[],{},"\\u003c \u2028"]'
        self.drover({"Job": sh("exit 1")})
        self.push("default", '{"class":"Job","args":%s,"meta":{"n":7.10}}' % args)
        self.until_failed(1)
        raw = self.redis.call("LINDEX", "resque:failed", 0)
        self.assertIn('"args":' + args, raw)
        self.assertIn('"meta":{"n":7.10}', raw)
        json.loads(raw)


if __name__ == "__main__":
    main()
