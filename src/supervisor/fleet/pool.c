/* pool: see pool.h. droverd. */
#include "supervisor/fleet/pool.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/must.h"

#include <stdlib.h>
#include <string.h>

/* The script's array of arguments is unpacked on Lua's stack nowhere, but one answer should stay small. */
enum { FETCH_MAX = 256 };

struct pool *pool_new(const char *name, const char *mark, struct verbs *verbs,
	struct settings **settings, const struct pool_events *events, void *ctx)
{
	struct pool *p = must_alloc(sizeof *p);

	*p = (struct pool){.name = must_strdup(name),
		.mark = must_strdup(mark),
		.verbs = verbs,
		.settings = settings,
		.events = events,
		.ctx = ctx,
		.maybe_more = true};
	return p;
}

void pool_free(struct pool *p)
{
	for (struct job *j = p->backlog, *next; j; j = next) {
		next = j->next;
		job_free(j);
	}
	queue_order_free(p->order);
	free(p->asked);
	free(p->mark);
	free(p->name);
	free(p);
}

/* A worker whose verdict was sent is free by the time a fetch sent after it is answered. */
static bool has_room(const struct pool *p, const struct slot *s)
{
	return !s->retiring && s->ahead.n == 0 &&
	       (s->state == SLOT_FREE || (s->state == SLOT_VERDICT && p->verdicts_sent));
}

int pool_all_slots(const struct pool *p)
{
	int n = 0;

	for (const struct slot *s = p->slots; s; s = s->next)
		n++;
	return n;
}

int pool_living_slots(const struct pool *p)
{
	int n = 0;

	for (const struct slot *s = p->slots; s; s = s->next)
		n += !s->retiring;
	return n;
}

/* -- answers ---------------------------------------------------------------------------------------- */

/* Tokens are POOL.NUMBER.I: the I-th slot that was asked for shall have it. */
static struct slot *slot_of_token(const struct pool *p, struct span token)
{
	size_t i = 0, scale = 1;

	for (size_t k = token.len; k > 0 && token.at[k - 1] >= '0' && token.at[k - 1] <= '9'; k--) {
		i += (size_t)(token.at[k - 1] - '0') * scale;
		scale *= 10;
	}
	return i >= 1 && i <= p->n_asked ? p->asked[i - 1] : NULL;
}

/* Taken for a slot that cannot have it after all: the next one that is free does. */
static void put_back(struct pool *p, struct job *job)
{
	struct job **at = &p->backlog;

	if (p->backlog == NULL)
		p->backlog_since_mono_ms = clock_mono_ms();
	while (*at)
		at = &(*at)->next;
	*at = job;
}

static void hand_out(struct pool *p, struct span token, struct span entry)
{
	struct slot *s = slot_of_token(p, token);
	struct err err;
	struct job *job = job_new(*p->settings, token, entry, &err);

	if (job == NULL || s == NULL) {
		/* The next beat names it as an orphan, and it goes back to its queue. */
		log_event(LOG_ERROR, "fetch.nonsense", LOG_SPAN("token", token),
			LOG_STR("error", job ? "no slot of that number" : err.text));
		job_free(job);
		return;
	}
	if (s->state == SLOT_FREE)
		slot_take(s, job); /* also if it retires meanwhile: this one it does yet */
	else if (!slot_take_ahead(s, job)) {
		ahead_forget(
			&s->ahead); /* its queue holds other classes, too: no more ahead for now */
		put_back(p, job);
	}
}

void pool_return_backlog(struct pool *p, int64_t before_mono_ms)
{
	struct job *job;

	while ((job = p->backlog) != NULL && p->backlog_since_mono_ms < before_mono_ms) {
		p->backlog = job->next;
		p->events->give_back(p->ctx, job);
	}
}

bool pool_serve_backlog(struct pool *p, struct slot *s)
{
	struct job *job = p->backlog;

	if (job == NULL || s->state != SLOT_FREE)
		return false;
	p->backlog = job->next;
	job->next = NULL;
	slot_take(s, job);
	return true;
}

static void use_up_number(struct pool *p)
{
	p->answered = p->number;
	p->n_asked = 0;
}

/* "QUEUE BYTES JID": the script has recorded it as failed already. */
static void say_oversize(const struct pool *p, struct span what)
{
	log_event(LOG_WARN, "job.oversize", LOG_STR("pool", p->name),
		LOG_SPAN("queue_bytes_jid", what),
		LOG_STR("error",
			"its payload is above max_payload; recorded as failed, kept in Redis"));
}

static void read_jobs(struct pool *p, const struct redis_reply *r)
{
	size_t got = (r->n - 1) / 2, wanted = p->n_asked;

	p->answered = p->number;
	for (size_t i = 1; i + 1 < r->n; i += 2) {
		if (span_is(r->items[i]->text, "oversize"))
			say_oversize(p, r->items[i + 1]->text);
		else
			hand_out(p, r->items[i]->text, r->items[i + 1]->text);
	}
	p->n_asked = 0;
	if (p->refusal_said)
		log_event(LOG_INFO, "fetch.accepted", LOG_STR("pool", p->name));
	p->refusal_said = false;
	p->maybe_more = got == wanted;
	p->events->fetched(p->ctx, p, p->maybe_more);
}

static void on_answer(void *arg, const struct redis_reply *r)
{
	struct pool *p = arg;

	p->under_way = false;
	if (r == NULL)
		return; /* not known: asked again under the same number */
	if (r->type == REDIS_ARRAY && r->n > 0 && span_is(r->items[0]->text, "JOBS")) {
		read_jobs(p, r);
	} else if (r->type == REDIS_ARRAY && r->n > 0 && span_is(r->items[0]->text, "OLD")) {
		log_event(LOG_WARN, "fetch.old", LOG_STR("pool", p->name),
			LOG_NUM("number", p->number));
		use_up_number(p);
	} else if (r->type == REDIS_ARRAY) {
		p->events->unknown_lease(p->ctx);
	} else {
		if (!p->refusal_said)
			log_event(LOG_ERROR, "fetch.refused", LOG_STR("pool", p->name),
				LOG_SPAN("error", r->text));
		p->refusal_said = true;
		/* Where it took something before it failed, the next beat names that as an orphan. */
		use_up_number(p);
		p->events->unknown_lease(p->ctx);
		p->maybe_more = false; /* the next poll tries again */
		p->events->fetched(p->ctx, p, false);
	}
}

/* -- asking ----------------------------------------------------------------------------------------- */

static void ask_for(struct pool *p, struct slot *s, size_t n)
{
	for (; n > 0 && p->n_asked < FETCH_MAX; n--) {
		if (p->n_asked == p->cap_asked) {
			p->cap_asked = p->cap_asked ? 2 * p->cap_asked : 8;
			p->asked = must_realloc(p->asked, p->cap_asked * sizeof(struct slot *));
		}
		p->asked[p->n_asked++] = s;
	}
}

/* First one for every worker without a job, then some ahead for those that are reused. */
static void choose_slots(struct pool *p)
{
	p->n_asked = 0;
	for (struct slot *s = p->slots; s; s = s->next)
		if (has_room(p, s))
			ask_for(p, s, 1);
	p->n_first = p->n_asked;
	for (struct slot *s = p->slots; s; s = s->next)
		if (!s->retiring)
			ask_for(p, s, ahead_room(&s->ahead));
}

bool pool_has_unanswered(const struct pool *p)
{
	return p->number != p->answered;
}

void pool_reset_numbers(struct pool *p)
{
	p->number = p->answered = 0;
	p->n_asked = 0;
	p->maybe_more = true;
	for (struct job *j = p->backlog, *next; j; j = next) {
		next = j->next;
		job_free(j);
	}
	p->backlog = NULL;
}

void pool_fetch(struct pool *p)
{
	struct verbs_wanted wanted[FETCH_MAX];
	char jids[FETCH_MAX][JID_OWN + 1];
	const struct span *queues;
	size_t n_queues;

	if (p->under_way)
		return;
	if (!pool_has_unanswered(p)) {
		if (!p->maybe_more || p->backlog)
			return;
		choose_slots(p);
		if (p->n_asked == 0)
			return;
		p->number++;
	}
	queue_order_next(p->order, &queues, &n_queues);
	for (size_t i = 0; i < p->n_asked; i++) {
		envelope_new_jid(jids[i]);
		wanted[i] = (struct verbs_wanted){.worker = span_of(p->asked[i]->worker_id),
			.ahead = i >= p->n_first,
			.jid = jids[i]};
	}
	p->under_way = verbs_fetch(p->verbs, span_of(p->mark), p->number,
		(*p->settings)->conf->supervisor.max_payload_bytes, queues, n_queues, wanted,
		p->n_asked, on_answer, p);
}
