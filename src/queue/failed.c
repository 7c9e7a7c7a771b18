/* queue/failed: see failed.h. Runs in drover and in programs with libdrover. */
#include <string.h>

#include "base/clock.h"
#include "queue/audit.h"
#include "queue/envelope.h"
#include "queue/failed.h"
#include "queue/scripts.h"
#include "queue/waiting.h"

static void note_member(void *ctx, struct span key, enum json_kind kind, struct span value)
{
	struct failed_record *r = ctx;
	const struct {
		const char *name;
		struct text *into;
	} texts[] = {{"failed_at", &r->failed_at}, {"exception", &r->exception},
		{"error", &r->error}, {"worker", &r->worker}, {"queue", &r->queue},
		{"oversize", &r->oversize}};

	if (span_is(key, "payload"))
		r->payload = value;
	if (span_is(key, "backtrace"))
		r->backtrace = value;
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
		if (kind != JSON_KIND_STRING || !span_is(key, texts[i].name))
			continue;
		text_clear(texts[i].into);
		json_add_decoded(texts[i].into, value);
	}
}

static void read_payload(struct failed_record *r)
{
	struct envelope e = {0};
	struct err why;

	if (r->payload.len && envelope_read(&e, r->payload, &why) == 0) {
		const struct text *run = e.parent.len ? &e.parent : &e.jid;

		r->is_job = true;
		r->args = e.args;
		text_add(&r->class_name, e.class_name.data, e.class_name.len);
		text_add(&r->jid, e.jid.data, e.jid.len);
		text_add_span(&r->run, (struct span){run->data, run->len});
	}
	envelope_fini(&e);
}

int failed_read(struct failed_record *out, struct span bytes)
{
	struct err why;

	*out = (struct failed_record){0};
	if (json_scan(bytes, note_member, out, &why) != JSON_KIND_OBJECT) {
		failed_fini(out);
		return -1;
	}
	read_payload(out);
	return 0;
}

void failed_fini(struct failed_record *r)
{
	struct text *texts[] = {&r->failed_at, &r->exception, &r->error, &r->worker, &r->queue,
		&r->class_name, &r->jid, &r->run, &r->oversize};

	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
		text_fini(texts[i]);
	*r = (struct failed_record){0};
}

int failed_remove(const struct inspect *in, struct span bytes, struct err *err)
{
	struct failed_record r;
	struct words w = {0};
	int64_t removed = 0;
	int rc;

	failed_read(&r, bytes); /* what is no record points nowhere */
	words_add_key(&w, in->prefix, KEY_FAILED, span_of(NULL));
	words_add_key(&w, in->prefix, KEY_OVERSIZE, span_of(NULL));
	words_add(&w, bytes);
	words_add(&w, (struct span){r.oversize.data, r.oversize.len});
	failed_fini(&r);
	rc = ask_script_number(in->redis, &script_failed_remove, 2, &w, &removed, err);
	return rc < 0 ? rc : removed == 1;
}

static int push_again(const struct inspect *in, struct span bytes, struct span queue,
	struct span payload, struct span run, const char *by, struct err *err)
{
	struct words w = {0};
	struct text entry = {0};
	int64_t moved = 0;
	int rc;

	words_add_key(&w, in->prefix, KEY_FAILED, span_of(NULL));
	words_add_key(&w, in->prefix, KEY_QUEUES, span_of(NULL));
	words_add_key(&w, in->prefix, KEY_QUEUE, queue);
	words_add_key(&w, in->prefix, KEY_RUN, run);
	audit_add_key(&w, in->prefix, run);
	words_add_key(&w, in->prefix, KEY_CANCEL, span_of(NULL));
	words_add_key(&w, in->prefix, KEY_CONTROL, span_of(NULL));
	words_add(&w, bytes);
	words_add(&w, queue);
	words_add(&w, payload);
	words_add(&w, run);
	audit_write(&entry, clock_wall_ms(), "enqueued", "retried by hand", by);
	words_add(&w, (struct span){entry.data, entry.len});
	text_fini(&entry);
	rc = ask_script_number(in->redis, &script_failed_retry, 7, &w, &moved, err);
	return rc < 0 ? rc : moved == 1;
}

/* The payload as it is, but for our counters: the attempts begin anew. */
static int rewrite(struct text *out, struct span payload, char *jid, struct err *err)
{
	struct envelope e = {0};
	int rc = envelope_read(&e, payload, err);

	if (rc == 0) {
		if (e.jid.len)
			memcpy(jid, e.jid.data, e.jid.len + 1);
		else
			envelope_new_jid(jid);
		envelope_rewrite(out, payload,
			&(struct envelope_change){.jid = span_of(jid),
				.origin = "retry",
				.attempt = 1,
				.track = e.track});
	}
	envelope_fini(&e);
	return rc;
}

static int check_record(const struct failed_record *r, struct err *err)
{
	if (r->payload.len == 0)
		return err_set(err, "the record has no payload: there is nothing to run again");
	if (r->payload.at[0] == '"')
		return err_set(err,
			"its payload is no job but a text that could not be read as one: "
			"it would fail again");
	if (r->queue.len == 0)
		return err_set(err, "the record does not say which queue the job came from");
	return 0;
}

int failed_retry(
	const struct inspect *in, struct span bytes, const char *by, char *jid, struct err *err)
{
	struct failed_record r;
	struct text payload = {0};
	int rc = FAILED_NO_JOB;

	if (failed_read(&r, bytes) < 0) {
		err_set(err, "the record is no JSON object: there is no job in it");
		return FAILED_NO_JOB;
	}
	if (check_record(&r, err) == 0 && rewrite(&payload, r.payload, jid, err) == 0)
		rc = push_again(in, bytes, (struct span){r.queue.data, r.queue.len},
			(struct span){payload.data, payload.len},
			r.run.len > 0 ? (struct span){r.run.data, r.run.len} : span_of(jid), by,
			err);
	text_fini(&payload);
	failed_fini(&r);
	return rc;
}

int failed_clear(const struct inspect *in, int64_t *gone, struct err *err)
{
	struct words w = {0};

	words_add_key(&w, in->prefix, KEY_FAILED, span_of(NULL));
	return ask_script_number(in->redis, &script_failed_clear, 1, &w, gone, err);
}
