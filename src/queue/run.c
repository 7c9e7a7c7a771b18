/* queue/run: see run.h. Runs in drover and in programs with libdrover. */
#include <stdio.h>

#include "base/clock.h"
#include "base/must.h"
#include "queue/audit.h"
#include "queue/canonical.h"
#include "queue/envelope.h"
#include "queue/keys.h"
#include "queue/run.h"
#include "queue/scripts.h"

static void add_text(struct words *w, struct text *t)
{
	words_add(w, (struct span){t->data ? t->data : "", t->len});
	text_clear(t);
}

static void add_audit(
	struct words *w, const struct run_order *o, const char *what, const char *detail)
{
	struct text entry = {0};

	audit_write(&entry, o->now_ms, what, detail && *detail ? detail : NULL, o->by);
	add_text(w, &entry);
	text_fini(&entry);
}

static void add_order(struct words *w, const struct inspect *in, const struct run_order *o)
{
	words_add_str(w, in->prefix);
	words_add(w, o->jid);
	words_add_int(w, o->now_ms);
}

static const struct {
	const char *word;
	enum run_outcome outcome;
} outcomes[] = {{"ok", RUN_OK}, {"cancelled", RUN_OK}, {"refused", RUN_REFUSED},
	{"plain", RUN_PLAIN}, {"none", RUN_NONE}, {"lost", RUN_LOST}, {"nothing", RUN_NOTHING},
	{"again", RUN_AGAIN}, {"asked", RUN_ASKED}, {"ended", RUN_ENDED}};

static int read_answer(const struct texts *said, struct run_answer *answer, struct err *err)
{
	if (said->n < 2)
		return err_set(err, "Redis gave an answer that nobody understands"), ASK_REFUSED;
	for (size_t i = 0; i < sizeof outcomes / sizeof *outcomes; i++)
		if (span_is(texts_at(said, 0), outcomes[i].word))
			answer->outcome = outcomes[i].outcome;
	snprintf(answer->state, sizeof answer->state, "%.*s", (int)texts_at(said, 1).len,
		texts_at(said, 1).at);
	answer->items = said->n > 2 ? ask_to_number(texts_at(said, 2), 0) : -1;
	return 0;
}

static int ask(const struct inspect *in, const struct redis_script *script, size_t n_keys,
	struct words *w, struct run_answer *answer, struct err *err)
{
	struct texts said = {0};
	int rc = ask_script(in->redis, script, n_keys, w, &said, err);

	*answer = (struct run_answer){.outcome = RUN_REFUSED};
	if (rc == 0)
		rc = read_answer(&said, answer, err);
	texts_fini(&said);
	return rc;
}

int run_pause(const struct inspect *in, const struct run_order *o, const char *reason,
	struct run_answer *answer, struct err *err)
{
	struct words w = {0};

	words_add_key(&w, in->prefix, KEY_RUN, o->jid);
	words_add_key(&w, in->prefix, KEY_PAUSE, span_of(NULL));
	words_add_key(&w, in->prefix, KEY_CONTROL, span_of(NULL));
	add_order(&w, in, o);
	words_add_str(&w, reason ? reason : "");
	add_audit(&w, o, "pause", reason);
	return ask(in, &script_pause_run, 3, &w, answer, err);
}

int run_resume(const struct inspect *in, const struct run_order *o, struct run_answer *answer,
	struct err *err)
{
	struct words w = {0};

	words_add_key(&w, in->prefix, KEY_RUN, o->jid);
	words_add_key(&w, in->prefix, KEY_PAUSE, span_of(NULL));
	words_add_key(&w, in->prefix, KEY_CONTROL, span_of(NULL));
	words_add_key(&w, in->prefix, KEY_PAUSED_JOBS, span_of(NULL));
	words_add_key(&w, in->prefix, KEY_QUEUES, span_of(NULL));
	add_order(&w, in, o);
	add_audit(&w, o, "resume", NULL);
	return ask(in, &script_resume_run, 5, &w, answer, err);
}

int run_rate(const struct inspect *in, const struct run_order *o, int64_t items, int64_t per_ms,
	struct run_answer *answer, struct err *err)
{
	struct words w = {0};
	struct text rate = {0};

	if (items > 0)
		text_addf(&rate, "%lld %lld", (long long)items, (long long)per_ms);
	else
		text_add_str(&rate, "none");
	words_add_key(&w, in->prefix, KEY_RUN, o->jid);
	words_add_key(&w, in->prefix, KEY_CONTROL, span_of(NULL));
	add_order(&w, in, o);
	words_add_str(&w, rate.data);
	if (items > 0) {
		text_clear(&rate);
		text_addf(&rate, "%lld items in %lld ms", (long long)items, (long long)per_ms);
	}
	add_audit(&w, o, "rate", rate.data);
	text_fini(&rate);
	return ask(in, &script_rate_run, 2, &w, answer, err);
}

/* -- cancel -------------------------------------------------------------------------------- */

static void add_follow(struct words *w, const struct run_order *o, const struct run_cancel *c)
{
	struct text payload = {0};
	char jid[JID_OWN + 1];

	words_add(w, c->follow_queue);
	if (c->follow_queue.len) {
		envelope_new_jid(jid);
		envelope_compose(&payload, &(struct envelope_new){.class_name = c->follow_class,
						   .args_json = c->follow_args,
						   .jid = jid,
						   .now_ms = o->now_ms});
	}
	add_text(w, &payload);
	text_fini(&payload);
}

static void add_seen(struct words *w, const struct run_cancel *c)
{
	for (size_t i = 0; i < c->n_seen; i++) {
		const struct run_seen *s = &c->seen[i];

		words_add_str(w, s->parked ? "parked" : "queue");
		words_add(w, (struct span){s->name.data, s->name.len});
		words_add(w, (struct span){s->jid.data, s->jid.len});
		words_add(w, (struct span){s->bytes.data, s->bytes.len});
	}
}

int run_cancel(const struct inspect *in, const struct run_order *o, const struct run_cancel *c,
	struct run_answer *answer, struct err *err)
{
	struct words w = {0};
	struct text content = {0};
	char now[CLOCK_TEXT_SIZE];
	int rc;

	words_add_key(&w, in->prefix, KEY_RUN, o->jid);
	words_add_key(&w, in->prefix, KEY_CANCEL, span_of(NULL));
	words_add_key(&w, in->prefix, KEY_PAUSED_JOBS, span_of(NULL));
	words_add_key(&w, in->prefix, KEY_DELAYED, span_of(NULL));
	words_add_key(&w, in->prefix, KEY_DELAYED_JOBS, span_of(NULL));
	words_add_key(&w, in->prefix, KEY_FAILED, span_of(NULL));
	words_add_str(&w, in->prefix);
	words_add(&w, o->jid);
	words_add_str(&w, clock_rfc3339(o->now_ms, now));
	words_add_int(&w, o->now_ms);
	words_add_int(&w, c->runs_kept_ms);
	words_add_int(&w, c->ids_kept_ms);
	add_audit(&w, o, "cancelled", NULL);
	add_audit(&w, o, "cancel", NULL);
	words_add(&w, c->class_name);
	canonical_add_job(&content, c->class_name, c->args);
	add_text(&w, &content);
	text_fini(&content);
	words_add(&w, c->failed);
	add_follow(&w, o, c);
	add_seen(&w, c);
	rc = ask(in, &script_cancel_run, 6, &w, answer, err);
	if (rc == 0 && answer->outcome == RUN_ASKED && answer->items > 0)
		answer->outcome = RUN_AGAIN;
	return rc;
}

/* -- items that failed --------------------------------------------------------------------- */

static void write_retry(struct text *out, const struct run_order *o, const struct run_retry *r)
{
	const struct envelope_each each = {ENVELOPE_EACH, .csv = r->csv, .retry = r->round + 1};
	char jid[JID_MAX + 1];

	must(o->jid.len <= JID_MAX);
	snprintf(jid, sizeof jid, "%.*s", (int)o->jid.len, o->jid.at);
	envelope_compose(out, &(struct envelope_new){.class_name = r->class_name,
				      .args_json = r->args,
				      .jid = jid,
				      .now_ms = o->now_ms,
				      .origin = "retry",
				      .track = true,
				      .each = &each});
}

int run_retry_errors(const struct inspect *in, const struct run_order *o, const struct run_retry *r,
	struct run_answer *answer, struct err *err)
{
	struct words w = {0};
	struct text payload = {0};

	words_add_key(&w, in->prefix, KEY_RUN, o->jid);
	words_add_run_key(&w, in->prefix, o->jid, KEY_ERRORS);
	words_add_key(&w, in->prefix, KEY_QUEUES, span_of(NULL));
	words_add_key(&w, in->prefix, KEY_QUEUE, r->queue);
	words_add_key(&w, in->prefix, KEY_CANCEL, span_of(NULL));
	add_order(&w, in, o);
	words_add_int(&w, r->round + 1);
	words_add(&w, r->queue);
	write_retry(&payload, o, r);
	add_text(&w, &payload);
	text_fini(&payload);
	add_audit(&w, o, "retry-errors", NULL);
	return ask(in, &script_retry_errors, 5, &w, answer, err);
}
