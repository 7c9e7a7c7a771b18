/* checkpoints: see checkpoints.h. droverd. */
#include "supervisor/fleet/checkpoints.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/must.h"
#include "supervisor/fleet/sharing.h"
#include "supervisor/supervisor.h"

#include <stdlib.h>
#include <string.h>

enum { BATCH_MAX = 32, PAIRS_MAX = 40, LINES_MAX = OUTPUT_KEPT_MAX };

struct checkpoints {
	struct supervisor *supervisor;
	struct event *timer;
	bool refusal_said;
};

/* What was told of one job, while the answer is awaited. A slot is found again by its token. */
struct told {
	char *token;
	int64_t aside;	/* number of the item; 0: none */
	int64_t forget; /* the same, of one that was set aside too early */
	bool plan, mark;
	struct text lines; /* told again where there is no answer */
	size_t n_lines;
};

struct call {
	struct checkpoints *owner;
	size_t n;
	struct told told[BATCH_MAX];
};

/* What is told of one job, with all it points into. */
struct message {
	struct text position, number;
	struct span pairs[PAIRS_MAX], aside[2], lines[LINES_MAX];
	char numbers[6][24], at[CLOCK_TEXT_SIZE];
	size_t n_pairs, n_numbers;
};

/* -- what there is to tell ------------------------------------------------------------------------------ */

static bool is_at_work(const struct slot *slot)
{
	return slot->job && slot->state >= SLOT_RUNNING && slot->state < SLOT_VERDICT;
}

static bool has_news(const struct slot *slot)
{
	const struct iteration *it = &slot->iteration;

	return slot->output.n_kept > 0 || slot->said.news ||
	       (it->on && (it->number != it->told_number || it->plan_due || it->told_state_due ||
				  it->forget > 0 || slot->mark_due ||
				  (it->aside.number > 0 && !it->aside.sent)));
}

static void learn_speed(struct iteration *it)
{
	int64_t now = clock_mono_ms(), ms = now - it->told_mono_ms;
	double lately;

	if (ms <= 0)
		return;
	lately = (double)(it->number - it->told_number) * 1000 / (double)ms;
	it->speed = it->speed == 0 ? lately : it->speed * 0.7 + lately * 0.3;
	it->told_number = it->number;
	it->told_mono_ms = now;
}

static void add_pair(struct message *m, const char *name, struct span value)
{
	must(m->n_pairs + 2 <= PAIRS_MAX);
	m->pairs[m->n_pairs++] = span_of(name);
	m->pairs[m->n_pairs++] = value;
}

static void add_number(struct message *m, const char *name, int64_t n)
{
	char *out = m->numbers[m->n_numbers++];

	snprintf(out, sizeof m->numbers[0], "%lld", (long long)n);
	add_pair(m, name, span_of(out));
}

static void add_said(struct message *m, struct slot *slot)
{
	const struct slot_said *said = &slot->said;

	if (!said->news)
		return;
	slot->said.news = false;
	if (said->note.len)
		add_pair(m, "note", (struct span){said->note.data, said->note.len});
	if (said->result.len)
		add_pair(m, "result", (struct span){said->result.data, said->result.len});
	if (said->progress_total >= 0)
		add_number(m, "progress_total", said->progress_total);
	if (said->progress_total >= 0 || said->progress_done > 0)
		add_number(m, "progress_done", said->progress_done);
}

/* It has turned out to iterate; a record begins here where its class asked for none. */
static void add_beginning(struct message *m, const struct slot *slot)
{
	const struct job *j = slot->job;

	add_pair(m, "each", SPAN_LIT("cursor"));
	if (!slot->record_due)
		return;
	add_pair(m, "class", job_class_name(j));
	add_pair(m, "queue", j->entry.queue);
	add_pair(m, "args", j->envelope.args);
	add_pair(m, "state", SPAN_LIT("running"));
	add_pair(m, "worker", span_of(slot->worker_id));
	add_number(m, "attempt", j->envelope.attempt);
	add_pair(m, "started_at", span_of(clock_rfc3339(clock_wall_ms(), m->at)));
}

static void add_iteration(struct message *m, struct slot *slot)
{
	struct iteration *it = &slot->iteration;

	if (slot->mark_due)
		add_beginning(m, slot);
	if (it->plan_due) {
		add_number(m, "planned", 1);
		if (it->total >= 0)
			add_number(m, "total", it->total);
		if (it->bounds.len)
			add_pair(m, "bounds", (struct span){it->bounds.data, it->bounds.len});
	}
	if (it->told_state_due)
		add_pair(m, "reason",
			it->wait_ms >= 0 && it->reason.len
				? (struct span){it->reason.data, it->reason.len}
				: (struct span){"", 0});
	it->told_state_due = false;
}

static size_t split_lines(struct span lines[LINES_MAX], const struct text *kept)
{
	const char *p = kept->data, *end = p + kept->len;
	size_t n = 0;

	while (p && p < end && n < LINES_MAX) {
		const char *stop = memchr(p, '\n', (size_t)(end - p));

		lines[n++] = (struct span){p, (size_t)(stop - p)};
		p = stop + 1;
	}
	return n;
}

/* In which pass over the items set aside it failed again: that pass does not try it once more. */
static void add_round(struct text *json, const struct job *j)
{
	if (!job_is_retry(j) || json->len == 0 || strstr(json->data, ",\"round\":"))
		return;
	json->len--; /* its brace */
	text_addf(json, ",\"round\":%lld}", (long long)j->envelope.retry);
}

/* Whether its lease entry is to be marked, an item is told of, and so on, is noted in `t`. */
static void describe(
	struct verbs_checkpoint *c, struct message *m, struct told *t, struct slot *slot)
{
	struct iteration *it = &slot->iteration;
	struct iteration_aside *a = &it->aside;

	if (it->on) {
		learn_speed(it);
		add_iteration(m, slot);
		iteration_add_position(&m->position, it, slot->job, true);
	} else {
		iteration_add_place(&m->position, slot->job);
	}
	add_said(m, slot);
	*t = (struct told){.token = must_strdup(slot->job->token),
		.plan = it->plan_due,
		.mark = slot->mark_due};
	t->lines = output_take_kept(&slot->output, &t->n_lines);
	*c = (struct verbs_checkpoint){.token = span_of(t->token),
		.mark = slot->mark_due,
		.position = {m->position.data, m->position.len},
		.pairs = m->pairs,
		.n_pairs = m->n_pairs,
		.asides = m->aside,
		.lines = m->lines,
		.n_lines = split_lines(m->lines, &t->lines)};
	if (a->number > 0 && !a->sent) {
		a->sent = true;
		t->aside = a->number;
		text_addf(&m->number, "%lld", (long long)a->number);
		m->aside[0] = (struct span){m->number.data, m->number.len};
		add_round(&a->json, slot->job);
		m->aside[1] = (struct span){a->json.data ? a->json.data : "", a->json.len};
		c->n_asides = 1;
	} else if (it->on && it->forget > 0) {
		t->forget = it->forget;
		text_addf(&m->number, "%lld", (long long)it->forget);
		m->aside[0] = (struct span){m->number.data, m->number.len};
		m->aside[1] = (struct span){"", 0};
		c->n_asides = 1;
	}
}

/* -- answers --------------------------------------------------------------------------------------------- */

static struct slot *find(const struct supervisor *s, const char *token)
{
	FLEET_EACH_SLOT (s, slot)
		if (is_at_work(slot) && strcmp(slot->job->token, token) == 0)
			return slot;
	return NULL;
}

static void say_refusal(struct checkpoints *c, struct span why)
{
	if (!c->refusal_said)
		log_event(LOG_ERROR, "checkpoint.refused", LOG_SPAN("error", why));
	c->refusal_said = true;
}

static void settle(struct checkpoints *c, struct told *t, struct span answer)
{
	struct slot *slot = find(c->supervisor, t->token);
	bool kept =
		span_is(answer, "ok") || (answer.len > 6 && memcmp(answer.at, "steal ", 6) == 0);
	bool stale = span_is(answer, "stale");

	if (!kept && !stale)
		say_refusal(c, answer);
	if (slot == NULL)
		return;
	if (!kept && !stale) { /* the timer tells it again */
		slot->iteration.aside.sent = false;
		return;
	}
	if (t->plan)
		slot->iteration.plan_due = false;
	if (t->mark)
		slot->mark_due = false;
	if (t->forget == slot->iteration.forget)
		slot->iteration.forget = 0;
	if (t->aside > 0 && slot->iteration.aside.number == t->aside)
		slot_answer(slot);
	if (kept && answer.len > 6)
		sharing_offer(slot, (struct span){answer.at + 6, answer.len - 6});
}

/* Not known: told again, the lines in front of those that came since. */
static void tell_again(struct checkpoints *c, struct told *t)
{
	struct slot *slot = find(c->supervisor, t->token);

	if (slot == NULL)
		return;
	slot->iteration.aside.sent = false;
	if (slot->output.n_kept + t->n_lines > OUTPUT_KEPT_MAX)
		return;
	text_add(&t->lines, slot->output.kept.data ? slot->output.kept.data : "",
		slot->output.kept.len);
	text_fini(&slot->output.kept);
	slot->output.kept = t->lines;
	slot->output.n_kept += t->n_lines;
	t->lines = (struct text){0};
}

static void on_answer(void *arg, const struct redis_reply *r)
{
	struct call *call = arg;
	struct checkpoints *c = call->owner;
	bool whole = r && r->type == REDIS_ARRAY && r->n == call->n + 1;

	if (r && r->type == REDIS_ERROR)
		say_refusal(c, r->text);
	else if (whole && c->refusal_said) {
		log_event(LOG_INFO, "checkpoint.accepted");
		c->refusal_said = false;
	}
	if (r && r->type == REDIS_ARRAY && r->n == 1)
		lease_beat_now(c->supervisor->lease); /* our lease is not known */
	for (size_t i = 0; i < call->n; i++) {
		if (whole)
			settle(c, &call->told[i], r->items[i + 1]->text);
		else
			tell_again(c, &call->told[i]);
		free(call->told[i].token);
		text_fini(&call->told[i].lines);
	}
	free(call);
}

/* -- sending ---------------------------------------------------------------------------------------------- */

static void send_batch(struct checkpoints *c, struct slot **slots, size_t n)
{
	struct supervisor *s = c->supervisor;
	struct verbs_checkpoint jobs[BATCH_MAX];
	struct message *messages;
	struct call *call;

	if (n == 0 || !lease_is_held(s->lease) || !redis_is_up(s->redis))
		return;
	messages = must_alloc(n * sizeof *messages);
	call = must_alloc(sizeof *call);
	call->owner = c;
	call->n = n;
	for (size_t i = 0; i < n; i++)
		describe(&jobs[i], &messages[i], &call->told[i], slots[i]);
	if (!verbs_checkpoint(&s->verbs, jobs, n, s->settings->conf->supervisor.runs_kept_ms,
		    on_answer, call))
		on_answer(call, NULL);
	for (size_t i = 0; i < n; i++) {
		text_fini(&messages[i].position);
		text_fini(&messages[i].number);
	}
	free(messages);
}

static bool is_urgent(const struct slot *slot)
{
	const struct iteration_aside *a = &slot->iteration.aside;

	return (a->number > 0 && !a->sent) || slot->mark_due;
}

static void send_all(struct checkpoints *c, bool only_urgent)
{
	struct slot *slots[BATCH_MAX];
	size_t n = 0;

	FLEET_EACH_SLOT (c->supervisor, slot) {
		if (!is_at_work(slot))
			continue;
		if (!only_urgent)
			iteration_look(&slot->iteration, slot->place);
		if (only_urgent ? is_urgent(slot) : has_news(slot))
			slots[n++] = slot;
		if (n == BATCH_MAX) {
			send_batch(c, slots, n);
			n = 0;
		}
	}
	send_batch(c, slots, n);
}

static bool any_at_work(const struct supervisor *s)
{
	FLEET_EACH_SLOT (s, slot)
		if (slot->job && (slot->iteration.on || slot->output.keeps))
			return true;
	return false;
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct checkpoints *c = arg;

	(void)fd, (void)what;
	send_all(c, false);
	sharing_look(c->supervisor);
	if (any_at_work(c->supervisor))
		checkpoints_expect(c);
}

struct checkpoints *checkpoints_new(struct supervisor *s)
{
	struct checkpoints *c = must_alloc(sizeof *c);

	c->supervisor = s;
	c->timer = evtimer_new(s->base, on_timer, c);
	return c;
}

void checkpoints_free(struct checkpoints *c)
{
	if (c == NULL)
		return;
	event_free(c->timer);
	free(c);
}

void checkpoints_expect(struct checkpoints *c)
{
	if (!evtimer_pending(c->timer, NULL))
		supervisor_arm(c->timer, c->supervisor->settings->conf->supervisor.flush_ms);
}

void checkpoints_soon(struct checkpoints *c)
{
	send_all(c, true);
	checkpoints_expect(c);
}

void checkpoints_last(struct checkpoints *c, struct slot *slot)
{
	if (slot->job && (slot->output.n_kept > 0 || slot->mark_due || slot->iteration.forget > 0))
		send_batch(c, &slot, 1);
}

void checkpoints_ask_again(struct checkpoints *c)
{
	checkpoints_soon(c);
}
