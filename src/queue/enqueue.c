/*
 * queue/enqueue: see enqueue.h. Runs in drover and in programs with libdrover. It must never send
 * a job twice.
 */
#include "base/clock.h"
#include "base/json_scan.h"
#include "queue/enqueue.h"
#include "queue/envelope.h"
#include "queue/keys.h"
#include "queue/scripts.h"

#define NAME_MAX_BYTES 1024

static int check_name(const char *what, struct span name, struct err *err)
{
	if (name.len == 0)
		return err_set(err, "the name of a %s cannot be empty", what);
	if (name.len > NAME_MAX_BYTES)
		return err_set(err, "the name of a %s has at most %d bytes", what, NAME_MAX_BYTES);
	if (!utf8_valid(name))
		return err_set(err, "the name of a %s must be UTF-8", what);
	for (size_t i = 0; i < name.len; i++)
		if ((unsigned char)name.at[i] < 0x20 || name.at[i] == 0x7f)
			return err_set(
				err, "the name of a %s cannot hold control characters", what);
	return 0;
}

int enqueue_check(const struct enqueue *e, struct err *err)
{
	int kind;

	if (check_name("queue", e->queue, err) < 0 || check_name("class", e->class_name, err) < 0)
		return -1;
	kind = json_scan(e->args, NULL, NULL, err);
	if (kind < 0)
		return err_at(err, "arguments are no JSON");
	if (kind != JSON_KIND_ARRAY)
		return err_set(err, "arguments must be a JSON array");
	return 0;
}

static void add_record(struct words *w, const struct enqueue *e)
{
	char at[CLOCK_TEXT_SIZE];
	const struct span record[] = {SPAN_LIT("class"), e->class_name, SPAN_LIT("queue"), e->queue,
		SPAN_LIT("args"), e->args, SPAN_LIT("state"), SPAN_LIT("queued"),
		SPAN_LIT("enqueued_at"), span_of(clock_rfc3339(e->now_ms, at))};

	for (size_t i = 0; i < sizeof record / sizeof *record; i++)
		words_add(w, record[i]);
}

int enqueue_job(const struct inspect *in, const struct enqueue *e, char *jid, struct err *err)
{
	struct text payload = {0};
	struct words w = {0};
	int64_t length;

	envelope_new_jid(jid);
	envelope_write(&payload, e->class_name, e->args, jid, e->now_ms, e->track);
	words_add_key(&w, in->prefix, KEY_QUEUES, span_of(NULL));
	words_add_key(&w, in->prefix, KEY_QUEUE, e->queue);
	if (e->track)
		words_add_key(&w, in->prefix, KEY_RUN, span_of(jid));
	words_add(&w, e->queue);
	words_add(&w, (struct span){payload.data, payload.len});
	if (e->track)
		add_record(&w, e);
	text_fini(&payload);
	return ask_script_number(in->redis, &script_enqueue, e->track ? 3 : 2, &w, &length, err);
}
