/* client/find: where is one job now? Part of libdrover. Only reads. */
#include <stdlib.h>
#include <string.h>

#include "base/must.h"
#include "client/internal.h"
#include "queue/entry.h"
#include "queue/waiting.h"

struct search {
	struct span jid;
	struct internal_place *place;
};

static void keep(struct text *to, struct span s)
{
	text_clear(to);
	text_add_span(to, s);
}

void internal_place_fini(struct internal_place *p)
{
	struct text *texts[] = {&p->bytes, &p->payload, &p->queue, &p->name, &p->token, &p->worker,
		&p->exception, &p->error};

	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
		text_fini(texts[i]);
}

/*
 * `otherwise` is the jid of a payload without one. The cheap look comes first: most payloads do
 * not hold the text at all.
 */
static bool has_jid(struct span payload, struct span otherwise, struct span jid)
{
	bool named = otherwise.len == jid.len && memcmp(otherwise.at, jid.at, jid.len) == 0;
	struct envelope e = {0};
	struct err unreadable;
	bool same;

	if (!named && !memmem(payload.at, payload.len, jid.at, jid.len))
		return false;
	envelope_read(&e, payload, &unreadable);
	if (e.jid.len)
		same = e.jid.len == jid.len && memcmp(e.jid.data, jid.at, jid.len) == 0;
	else
		same = named;
	envelope_fini(&e);
	return same;
}

static int find_delayed(struct drover_client *c, struct search *s, struct drover_error *error)
{
	struct texts found = {0};
	struct waiting w;
	struct err err = {0};
	int rc = waiting_delayed_find(&c->in, s->jid, &found, &err);

	if (rc == 0 && found.n == 3 && waiting_read_delayed(&w, texts_at(&found, 1))) {
		s->place->kind = INTERNAL_DELAYED;
		s->place->due_ms = ask_to_number(texts_at(&found, 2), DROVER_UNKNOWN);
		s->place->state = waiting_state(w.why);
		keep(&s->place->name, texts_at(&found, 0));
		keep(&s->place->bytes, texts_at(&found, 1));
		keep(&s->place->payload, w.payload);
		keep(&s->place->queue, w.queue);
	}
	texts_fini(&found);
	return rc < 0 ? internal_read_failed(error, rc, &err) : 0;
}

static int find_paused(struct drover_client *c, struct search *s, struct drover_error *error)
{
	struct texts found = {0};
	struct waiting w;
	struct err err = {0};
	int rc = waiting_paused_find(&c->in, s->jid, &found, &err);

	if (rc == 0 && found.n == 1 && waiting_read_parked(&w, texts_at(&found, 0))) {
		s->place->kind = INTERNAL_PAUSED;
		s->place->state = "paused";
		keep(&s->place->bytes, texts_at(&found, 0));
		keep(&s->place->payload, w.payload);
		keep(&s->place->queue, w.queue);
	}
	texts_fini(&found);
	return rc < 0 ? internal_read_failed(error, rc, &err) : 0;
}

static bool look_parked(void *ctx, struct span class_name, int64_t position, struct span item)
{
	struct search *s = ctx;
	struct waiting w;

	if (!waiting_read_parked(&w, item) || !has_jid(w.payload, SPAN_LIT(""), s->jid))
		return true;
	s->place->kind = INTERNAL_PARKED;
	s->place->position = position;
	s->place->state = "parked";
	keep(&s->place->name, class_name);
	keep(&s->place->bytes, item);
	keep(&s->place->payload, w.payload);
	keep(&s->place->queue, w.queue);
	return false;
}

static bool look_queue(void *ctx, struct span queue, int64_t position, struct span payload)
{
	struct search *s = ctx;

	if (!has_jid(payload, SPAN_LIT(""), s->jid))
		return true;
	s->place->kind = INTERNAL_QUEUE;
	s->place->position = position;
	s->place->state = "queued";
	keep(&s->place->bytes, payload);
	keep(&s->place->payload, payload);
	keep(&s->place->queue, queue);
	return false;
}

static bool look_entry(
	struct search *s, const struct internal_supervisor *of, struct span token, struct span text)
{
	struct entry entry;
	struct err err;

	if (!internal_is_token(token) || entry_read(&entry, text, &err) < 0 ||
		!has_jid(entry.payload, entry.jid, s->jid))
		return false;
	s->place->kind = INTERNAL_LEASE;
	s->place->state = of->lost ? "lost" : "running";
	s->place->lost = of->lost;
	s->place->silent_ms = of->lost ? of->silent_ms : DROVER_UNKNOWN;
	s->place->pid = inspect_find_pid(texts_value(&of->record, "worker_pids"), entry.worker);
	s->place->taken_at_ms = entry.taken_at_ms;
	keep(&s->place->name, of->id);
	keep(&s->place->token, token);
	keep(&s->place->worker, entry.worker);
	keep(&s->place->payload, entry.payload);
	keep(&s->place->queue, entry.queue);
	return true;
}

static int find_running(struct drover_client *c, struct search *s, struct drover_error *error)
{
	struct internal_crew crew;
	bool found = false;

	if (internal_crew_load(c, &crew, error) < 0)
		return -1;
	for (size_t i = 0; !found && i < crew.n; i++) {
		const struct texts *lease = &crew.items[i].lease;

		for (size_t k = 0; !found && k + 1 < lease->n; k += 2)
			found = look_entry(
				s, &crew.items[i], texts_at(lease, k), texts_at(lease, k + 1));
	}
	internal_crew_fini(&crew);
	return 0;
}

/* Of several records of one job the newest counts. */
static enum drover_next look_failed(void *ctx, const struct drover_failed_info *failed)
{
	struct search *s = ctx;

	s->place->kind = INTERNAL_FAILED;
	s->place->position = failed->index;
	s->place->state = "failed";
	keep(&s->place->bytes, internal_span(failed->record));
	keep(&s->place->payload, internal_span(failed->payload));
	keep(&s->place->queue, internal_span(failed->queue));
	keep(&s->place->worker, internal_span(failed->worker));
	keep(&s->place->exception, internal_span(failed->exception));
	keep(&s->place->error, internal_span(failed->error));
	return DROVER_GO_ON;
}

static int find_failed(struct drover_client *c, struct search *s, struct drover_error *error)
{
	char *jid = must_strndup(s->jid.at, s->jid.len);
	const struct drover_failed_filter by_jid = {.jid = jid};
	int rc = drover_failed_each(c, &by_jid, look_failed, s, error);

	free(jid);
	return rc;
}

static int find_parked(struct drover_client *c, struct search *s, struct drover_error *error)
{
	return internal_walk_parked(c, look_parked, s, error);
}

static int find_queued(struct drover_client *c, struct search *s, struct drover_error *error)
{
	return internal_walk_queues(c, NULL, look_queue, s, error);
}

static int find_hinted(struct drover_client *c, struct search *s, struct internal_hint hint,
	struct drover_error *error)
{
	char *queue;
	int rc;

	if (span_is(hint.state, "running"))
		return find_running(c, s, error);
	if (span_is(hint.state, "failed"))
		return find_failed(c, s, error);
	if (!span_is(hint.state, "queued") || hint.queue.len == 0)
		return 0;
	queue = must_strndup(hint.queue.at, hint.queue.len);
	rc = internal_walk_queues(c, queue, look_queue, s, error);
	free(queue);
	return rc;
}

int internal_find(struct drover_client *c, const char *jid, struct internal_hint hint,
	struct internal_place *place, struct drover_error *error)
{
	static int (*const looks[])(struct drover_client * c, struct search * s,
		struct drover_error * error) = {find_delayed, find_paused, find_parked, find_queued,
		find_running, find_paused, find_failed};
	struct search s = {.jid = span_of(jid), .place = place};
	int rc;

	*place = (struct internal_place){.position = DROVER_UNKNOWN,
		.due_ms = DROVER_UNKNOWN,
		.silent_ms = DROVER_UNKNOWN,
		.pid = DROVER_UNKNOWN,
		.taken_at_ms = DROVER_UNKNOWN};
	if (span_is(hint.state, "done") || span_is(hint.state, "cancelled"))
		return 0;
	rc = find_hinted(c, &s, hint, error);
	for (size_t i = 0; i < sizeof looks / sizeof *looks; i++)
		if (rc == 0 && place->kind == INTERNAL_NOWHERE)
			rc = looks[i](c, &s, error);
	return rc;
}
