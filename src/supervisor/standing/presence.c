/*
 * presence: see supervisor.h. droverd. What a beat carries: the tokens in hand, the last numbers
 * answered, and the record for people; and the worker ids that Resque shall know.
 */
#include "base/clock.h"
#include "base/must.h"
#include "supervisor/standing/adoption.h"
#include "supervisor/supervisor.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct presence {
	struct verbs_pool_mark *pools;
	struct span *tokens, *ids;
	size_t cap_pools, cap_tokens, cap_ids;
	size_t n_tokens;
	struct span record[32];
	struct text pools_json, worker_ids, worker_pids;
	char host[256], numbers[4][24], started[CLOCK_TEXT_SIZE], seen[CLOCK_TEXT_SIZE];
};

struct presence *presence_new(void)
{
	return must_alloc(sizeof(struct presence));
}

void presence_free(struct presence *p)
{
	if (p == NULL)
		return;
	free(p->pools);
	free(p->tokens);
	free(p->ids);
	text_fini(&p->pools_json);
	text_fini(&p->worker_ids);
	text_fini(&p->worker_pids);
	free(p);
}

static void *room(void *array, size_t n, size_t *cap, size_t size)
{
	if (n < *cap)
		return array;
	*cap = *cap ? 2 * *cap : 16;
	return must_realloc(array, *cap * size);
}

const struct span *presence_worker_ids(struct supervisor *s, size_t *n)
{
	struct presence *p = s->presence;

	*n = 0;
	for (struct pool *pool = s->pools; pool; pool = pool->next)
		for (struct slot *slot = pool->slots; slot; slot = slot->next) {
			p->ids = room(p->ids, *n, &p->cap_ids, sizeof *p->ids);
			p->ids[(*n)++] = span_of(slot->worker_id);
		}
	return p->ids;
}

/* -- what is in hand ------------------------------------------------------------------------------------ */

static void add_token(void *arg, struct span token)
{
	struct presence *p = arg;

	p->tokens = room(p->tokens, p->n_tokens, &p->cap_tokens, sizeof *p->tokens);
	p->tokens[p->n_tokens++] = token;
}

/* A job in SLOT_VERDICT stands in the outbox, too: named once. */
static void collect_tokens(struct supervisor *s)
{
	struct presence *p = s->presence;

	p->n_tokens = 0;
	FLEET_EACH_SLOT (s, slot) {
		if (slot->job && slot->state != SLOT_VERDICT)
			add_token(p, span_of(slot->job->token));
		for (const struct job *j = slot->ahead.first; j; j = j->next)
			add_token(p, span_of(j->token));
	}
	for (struct pool *pool = s->pools; pool; pool = pool->next)
		for (const struct job *j = pool->backlog; j; j = j->next)
			add_token(p, span_of(j->token));
	outbox_each(s->outbox, add_token, p);
}

static size_t collect_marks(struct supervisor *s)
{
	struct presence *p = s->presence;
	size_t n = 0;

	for (struct pool *pool = s->pools; pool; pool = pool->next) {
		p->pools = room(p->pools, n, &p->cap_pools, sizeof *p->pools);
		p->pools[n++] = (struct verbs_pool_mark){span_of(pool->mark), pool->answered};
	}
	p->pools = room(p->pools, n, &p->cap_pools, sizeof *p->pools);
	p->pools[n++] = adoption_mark(s->adoption);
	return n;
}

/* -- the record for people -------------------------------------------------------------------------------- */

static void describe_pools(struct supervisor *s)
{
	const struct conf *c = s->settings->conf;
	struct text *t = &s->presence->pools_json;

	text_clear(t);
	for (size_t i = 0; i < c->n_pools; i++) {
		text_add_str(t, i ? ",{\"name\":" : "[{\"name\":");
		text_add_json(t, span_of(c->pools[i].name));
		text_addf(t, ",\"workers\":%d,\"queues\":[", c->pools[i].workers);
		for (size_t k = 0; k < c->pools[i].n_queues; k++) {
			if (k > 0)
				text_add_char(t, ',');
			text_add_json(t, span_of(c->pools[i].queues[k]));
		}
		text_add_str(t, "]}");
	}
	text_add_char(t, ']');
}

static void describe_workers(struct supervisor *s)
{
	struct presence *p = s->presence;

	text_clear(&p->worker_ids);
	text_clear(&p->worker_pids);
	for (struct pool *pool = s->pools; pool; pool = pool->next)
		for (struct slot *slot = pool->slots; slot; slot = slot->next) {
			text_addf(&p->worker_ids, "%s%s", p->worker_ids.len ? "\n" : "",
				slot->worker_id);
			if (slot->child.state == CHILD_BUSY)
				text_addf(&p->worker_pids, "%s%s=%d", p->worker_pids.len ? " " : "",
					slot->worker_id, (int)slot->child.pid);
		}
}

static const char *state_word(const struct supervisor *s)
{
	return s->state >= SUPERVISOR_DRAINING ? "draining"
	       : s->state == SUPERVISOR_QUIET  ? "quiet"
					       : "running";
}

static size_t describe(struct supervisor *s)
{
	struct presence *p = s->presence;
	size_t n = 0;

	if (p->host[0] == '\0' && gethostname(p->host, sizeof p->host - 1) < 0)
		strcpy(p->host, "?");
	describe_pools(s);
	describe_workers(s);
	snprintf(p->numbers[0], sizeof p->numbers[0], "%d", (int)getpid());
	snprintf(p->numbers[1], sizeof p->numbers[1], "%zu", fleet_slots(s));
	snprintf(p->numbers[2], sizeof p->numbers[2], "%zu", fleet_busy(s));
	const struct span pairs[] = {{"host", 4}, span_of(p->host), {"pid", 3},
		span_of(p->numbers[0]), {"version", 7}, span_of(DROVER_VERSION), {"pools", 5},
		{p->pools_json.data, p->pools_json.len}, {"workers", 7}, span_of(p->numbers[1]),
		{"busy", 4}, span_of(p->numbers[2]), {"started_at", 10},
		span_of(clock_rfc3339(s->started_wall_ms, p->started)), {"seen_at", 7},
		span_of(clock_rfc3339(clock_wall_ms(), p->seen)), {"state", 5},
		span_of(state_word(s)), {"worker_ids", 10}, {p->worker_ids.data, p->worker_ids.len},
		{"worker_pids", 11},
		{p->worker_pids.len ? p->worker_pids.data : "", p->worker_pids.len}};

	n = sizeof pairs / sizeof *pairs;
	memcpy(p->record, pairs, sizeof pairs);
	return n;
}

void presence_collect(struct supervisor *s, struct lease_holdings *out)
{
	struct presence *p = s->presence;

	collect_tokens(s);
	out->n_pools = collect_marks(s);
	out->pools = p->pools;
	out->tokens = p->tokens;
	out->n_tokens = p->n_tokens;
	out->n_record = describe(s);
	out->record = p->record;
}

struct collecting {
	struct verbs_held *held;
	size_t n, cap;
};

/* `entry` is taken over. */
static void add_held(struct collecting *c, struct span token, struct text *entry, struct span queue,
	struct span payload)
{
	c->held = room(c->held, c->n, &c->cap, sizeof *c->held);
	c->held[c->n++] = (struct verbs_held){.token = token,
		.entry = {entry->data, entry->len},
		.queue = queue,
		.payload = payload};
}

/* As it was fetched; marked, where it is never to be begun again. */
static void add_job(struct collecting *c, const struct job *j, bool begun)
{
	const char *rest = strchr(j->bytes, ' ');
	size_t len = (size_t)(j->entry.payload.at - rest) + j->entry.payload.len;
	bool once = j->class && j->class->conf->at_most_once;
	struct text entry = {0};

	text_add_str(&entry, j->entry.started || (once && begun) ? "started" : "taken");
	text_add_span(&entry, (struct span){rest, len});
	add_held(c, span_of(j->token), &entry, j->entry.queue, j->entry.payload);
}

/* A verdict whose job nobody holds any more: an entry for it to take out again. */
static void add_unowned(void *arg, const struct verdict *v)
{
	bool goes_back = v->kind >= VERDICT_HEAD && v->kind != VERDICT_DIVIDED;
	struct text entry = {0};

	text_addf(&entry, "taken 0 - %zu %.*s %zu %.*s ", v->worker.len, (int)v->worker.len,
		v->worker.at, v->queue.len, (int)v->queue.len, v->queue.at);
	text_add_span(&entry, goes_back ? v->text : SPAN_LIT("{}"));
	add_held(arg, v->token, &entry, v->queue, goes_back ? v->text : (struct span){"", 0});
}

static void on_reentered(void *arg, const struct redis_reply *r)
{
	if (r == NULL)
		((struct supervisor *)arg)->reenter_due =
			true; /* once more, on the next connection */
}

/* What has a verdict already is written again, too: its verdict is on its way and takes it out. */
void presence_reenter(struct supervisor *s)
{
	size_t n_pools = collect_marks(s);
	struct collecting c = {0};

	FLEET_EACH_SLOT (s, slot) {
		if (slot->job)
			add_job(&c, slot->job, slot->state > SLOT_STARTING);
		for (const struct job *j = slot->ahead.first; j; j = j->next)
			add_job(&c, j, false);
	}
	for (const struct pool *p = s->pools; p; p = p->next)
		for (const struct job *j = p->backlog; j; j = j->next)
			add_job(&c, j, false);
	outbox_each_unowned(s->outbox, add_unowned, &c);
	if (!verbs_reenter(&s->verbs, s->presence->pools, n_pools, c.held, c.n, on_reentered, s))
		s->reenter_due = true;
	for (size_t i = 0; i < c.n; i++)
		free((char *)(uintptr_t)c.held[i].entry.at);
	free(c.held);
}
