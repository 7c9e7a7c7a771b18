/*
 * queue/enqueue: see enqueue.h. Runs in drover and in programs with libdrover. It must never send
 * a job twice that has no request id.
 */
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/json_scan.h"
#include "base/must.h"
#include "queue/audit.h"
#include "queue/canonical.h"
#include "queue/enqueue.h"
#include "queue/keys.h"
#include "queue/scripts.h"
#include "queue/waiting.h"

#define NAME_MAX_BYTES 1024
#define ASK_AGAIN      2 /* how often, where that does no harm */

static int check_name(const char *what, struct span name, struct err *err)
{
	if (name.len == 0)
		return err_set(err, "%s cannot be empty", what);
	if (name.len > NAME_MAX_BYTES)
		return err_set(err, "%s has at most %d bytes", what, NAME_MAX_BYTES);
	if (!utf8_valid(name))
		return err_set(err, "%s must be UTF-8", what);
	for (size_t i = 0; i < name.len; i++)
		if ((unsigned char)name.at[i] < 0x20 || name.at[i] == 0x7f)
			return err_set(err, "%s cannot hold control characters", what);
	return 0;
}

int enqueue_check(const struct enqueue *e, struct err *err)
{
	int kind;

	if (check_name("the name of a queue", e->queue, err) < 0 ||
		check_name("the name of a class", e->class_name, err) < 0)
		return -1;
	if (e->id.at && check_name("a request id", e->id, err) < 0)
		return -1;
	kind = json_scan(e->args, NULL, NULL, err);
	if (kind < 0)
		return err_at(err, "arguments are no JSON");
	if (kind != JSON_KIND_ARRAY)
		return err_set(err, "arguments must be a JSON array");
	return 0;
}

static const char *find_origin(const struct enqueue *e)
{
	if (e->tick_ms)
		return "scheduled";
	return e->due_ms ? "delayed" : NULL;
}

/*
 * A plain job is what Resque's own client would write, with a jid. One with locks is known by our
 * member `drover`: operate_clear looks for it.
 */
static void write_payload(struct text *out, const struct enqueue *e, const char *jid)
{
	const char *origin = find_origin(e);
	char tick[CLOCK_TEXT_SIZE];

	envelope_compose(
		out, &(struct envelope_new){.class_name = e->class_name,
			     .args_json = e->args,
			     .jid = jid,
			     .now_ms = e->now_ms,
			     .track = e->track,
			     .overlap = e->overlap != NULL,
			     .each = e->each,
			     .origin = origin || !e->unique ? origin : "enqueued",
			     .tick = e->tick_ms ? clock_iso_second(e->tick_ms, tick) : NULL});
}

static void add_field(struct words *w, const char *name, struct span value)
{
	words_add_str(w, name);
	words_add(w, value);
}

static void add_record(struct words *w, const struct enqueue *e)
{
	char at[CLOCK_TEXT_SIZE];

	add_field(w, "class", e->class_name);
	add_field(w, "queue", e->queue);
	add_field(w, "args", e->args);
	add_field(w, "state", e->due_ms ? SPAN_LIT("delayed") : SPAN_LIT("queued"));
	add_field(w, "enqueued_at", span_of(clock_rfc3339(e->now_ms, at)));
	if (e->due_ms)
		add_field(w, "next_at", span_of(clock_rfc3339(e->due_ms, at)));
	if (find_origin(e))
		add_field(w, "origin", span_of(find_origin(e)));
	if (e->tick_ms)
		add_field(w, "tick", span_of(clock_iso_second(e->tick_ms, at)));
	if (e->id.at)
		add_field(w, "request_id", e->id);
	if (e->each)
		add_field(w, "each", SPAN_LIT("1"));
	if (e->each && e->each->csv.len)
		add_field(w, "csv", e->each->csv);
}

static void add_keys(struct words *w, const char *prefix, const struct enqueue *e, const char *jid)
{
	words_add_key(w, prefix, KEY_QUEUES, span_of(NULL));
	words_add_key(w, prefix, KEY_QUEUE, e->queue);
	words_add_key(w, prefix, KEY_DELAYED, span_of(NULL));
	words_add_key(w, prefix, KEY_DELAYED_JOBS, span_of(NULL));
	words_add_key(w, prefix, KEY_RUN, span_of(jid));
	audit_add_key(w, prefix, span_of(jid));
	words_add_key(w, prefix, KEY_RUNS, span_of(NULL));
	words_add_key(w, prefix, KEY_ID, e->id);
}

/* A word that is empty where `wanted` is not so. */
static void add_text(struct words *w, bool wanted, struct text *t)
{
	words_add(w, wanted ? (struct span){t->data, t->len} : SPAN_LIT(""));
	text_clear(t);
}

/* Other items are another request; an uploaded file has a new name each time. */
static void add_window(struct text *t, const struct envelope_each *each)
{
	if (each)
		text_addf(t, "\n%lld %lld %lld %lld", (long long)each->from, (long long)each->to,
			(long long)each->limit, (long long)each->parallel);
}

static void add_arguments(
	struct words *w, const struct inspect *in, const struct enqueue *e, const char *jid)
{
	struct text t = {0};

	words_add_str(w, in->prefix);
	words_add_str(w, jid);
	words_add(w, e->queue);
	write_payload(&t, e, jid);
	add_text(w, true, &t);
	text_add_int(&t, e->due_ms);
	add_text(w, e->due_ms > 0, &t);
	canonical_add_request(&t, e->class_name, e->queue, e->args);
	add_window(&t, e->each);
	add_text(w, e->id.at != NULL, &t);
	words_add_int(w, e->ids_kept_ms + e->delay_ms);
	canonical_add_job(&t, e->class_name, e->args);
	add_text(w, e->unique, &t);
	words_add_int(w, e->unique_for_ms + e->delay_ms);
	words_add(w, e->class_name);
	words_add_str(w, e->overlap ? e->overlap : "");
	audit_write(&t, e->now_ms, "enqueued", NULL, NULL);
	add_text(w, e->track, &t);
	words_add_int(w, e->now_ms);
	if (e->track)
		add_record(w, e);
	text_fini(&t);
}

static int ask_once(const struct inspect *in, const struct enqueue *e, const char *jid,
	struct texts *answer, struct err *err)
{
	struct words w = {0};

	add_keys(&w, in->prefix, e, jid);
	add_arguments(&w, in, e, jid);
	return ask_script(in->redis, &script_enqueue, 8, &w, answer, err);
}

static void read_answer(struct enqueue_answer *out, const struct texts *answer, const char *own_jid)
{
	static const struct {
		const char *word;
		enum enqueue_outcome outcome;
	} words[] = {{"new", ENQUEUE_NEW}, {"same", ENQUEUE_SAME}, {"other", ENQUEUE_OTHER},
		{"duplicate", ENQUEUE_DUPLICATE}, {"overlap", ENQUEUE_OVERLAP}};

	for (size_t i = 0; i < sizeof words / sizeof *words; i++)
		if (span_is(texts_at(answer, 0), words[i].word))
			out->outcome = words[i].outcome;
	snprintf(out->jid, sizeof out->jid, "%.*s", (int)texts_at(answer, 1).len,
		texts_at(answer, 1).at);
	snprintf(out->state, sizeof out->state, "%.*s", (int)texts_at(answer, 2).len,
		texts_at(answer, 2).at);
	if (out->outcome == ENQUEUE_SAME && strcmp(out->jid, own_jid) == 0)
		out->outcome = ENQUEUE_NEW; /* the answer that was lost had said so */
	if (out->outcome == ENQUEUE_NEW && !*out->state)
		snprintf(out->state, sizeof out->state, "queued");
}

int enqueue_job(const struct inspect *in, const struct enqueue *e, struct enqueue_answer *answer,
	struct err *err)
{
	struct texts said = {0};
	char jid[JID_OWN + 1];
	int rc, again = e->id.at ? ASK_AGAIN : 0;

	must(e->track || (!e->id.at && !e->each));
	*answer = (struct enqueue_answer){0};
	envelope_new_jid(jid);
	do
		rc = ask_once(in, e, jid, &said, err);
	while (rc == ASK_LOST && again-- > 0);
	if (rc == 0 && said.n == 3)
		read_answer(answer, &said, jid);
	else if (rc == 0)
		rc = ASK_REFUSED, err_set(err, "Redis gave an answer that nobody understands");
	texts_fini(&said);
	return rc;
}
