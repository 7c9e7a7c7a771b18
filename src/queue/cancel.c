/* queue/cancel: see cancel.h. Runs in drover and in programs with libdrover. */
#include "base/clock.h"
#include "base/must.h"
#include "queue/audit.h"
#include "queue/cancel.h"
#include "queue/canonical.h"
#include "queue/envelope.h"
#include "queue/scripts.h"
#include "queue/waiting.h"

static const struct {
	const char *word, *key, *second_key;
	bool named; /* the key ends with a name */
} places[] = {
	[CANCEL_QUEUE] = {"queue", KEY_QUEUE, KEY_QUEUES, true},
	[CANCEL_DELAYED] = {"delayed", KEY_DELAYED, KEY_DELAYED_JOBS, false},
	[CANCEL_PARKED] = {"parked", KEY_PARKED, KEY_PARKED_CLASSES, true},
};

static void add_audit(struct words *w, const struct cancel *c)
{
	struct text entry = {0};

	audit_write(&entry, c->now_ms, "cancelled", c->detail, c->by);
	words_add(w, (struct span){entry.data, entry.len});
	text_fini(&entry);
}

/* What stands in a queue need not be a job; it is thrown away all the same. */
static void add_job(struct words *w, const struct envelope *e, bool job)
{
	struct text content = {0};
	struct span class_name = {e->class_name.data, e->class_name.len};

	if (job)
		canonical_add_job(&content, class_name, e->args);
	words_add(w, job ? (struct span){e->jid.data, e->jid.len} : SPAN_LIT(""));
	words_add(w, job ? class_name : SPAN_LIT(""));
	words_add(w, (struct span){content.data, content.len});
	text_fini(&content);
}

static void add_arguments(struct words *w, const struct inspect *in, const struct cancel *c)
{
	struct envelope e = {0};
	struct err unreadable;
	bool job = envelope_read(&e, c->payload, &unreadable) == 0;
	bool part = job && e.parent.len > 0 && e.part != ENVELOPE_NO_PART;
	char now[CLOCK_TEXT_SIZE];

	words_add_str(w, in->prefix);
	words_add_str(w, places[c->place].word);
	words_add(w, c->member);
	words_add(w, c->bytes);
	add_job(w, &e, job);
	words_add_str(w, clock_rfc3339(c->now_ms, now));
	words_add_int(w, c->now_ms);
	words_add_int(w, c->runs_kept_ms);
	words_add_int(w, c->ids_kept_ms);
	add_audit(w, c);
	words_add(w, part ? (struct span){e.parent.data, e.parent.len} : SPAN_LIT(""));
	words_add_int(w, part ? e.part : 0);
	envelope_fini(&e);
}

int cancel_waiting(const struct inspect *in, const struct cancel *c, struct err *err)
{
	struct words w = {0};
	struct span name = c->place == CANCEL_QUEUE ? c->queue : c->member;
	int64_t gone = 0;
	int rc;

	words_add_key(&w, in->prefix, places[c->place].key,
		places[c->place].named ? name : span_of(NULL));
	words_add_key(&w, in->prefix, places[c->place].second_key, span_of(NULL));
	add_arguments(&w, in, c);
	rc = ask_script_number(in->redis, &script_cancel, 2, &w, &gone, err);
	return rc < 0 ? rc : gone == 1;
}

int cancel_running(const struct inspect *in, struct span lease, struct span token, struct span jid,
	int64_t now_ms, struct err *err)
{
	struct words w = {0};
	int64_t told = 0;
	int rc;

	words_add_key(&w, in->prefix, KEY_LEASE, lease);
	words_add_key(&w, in->prefix, KEY_CANCEL, span_of(NULL));
	words_add_key(&w, in->prefix, KEY_CONTROL, span_of(NULL));
	words_add(&w, token);
	words_add(&w, jid);
	words_add_int(&w, now_ms);
	rc = ask_script_number(in->redis, &script_cancel_running, 3, &w, &told, err);
	return rc < 0 ? rc : told == 1;
}

int cancel_foreign(const struct inspect *in, struct span second, struct span item, struct err *err)
{
	struct words w = {0};
	struct text list = {0};
	int64_t gone = 0;
	int rc;

	text_add_str(&list, KEY_SCHEDULER_DELAYED);
	text_add_span(&list, second);
	words_add_key(&w, in->prefix, KEY_SCHEDULER_DELAYED, second);
	words_add_key(&w, in->prefix, KEY_SCHEDULER_TIMESTAMPS, item);
	words_add_key(&w, in->prefix, KEY_SCHEDULER_SECONDS, span_of(NULL));
	words_add(&w, item);
	words_add(&w, (struct span){list.data, list.len});
	words_add(&w, second);
	text_fini(&list);
	rc = ask_script_number(in->redis, &script_delayed_remove, 3, &w, &gone, err);
	return rc < 0 ? rc : gone == 1;
}
