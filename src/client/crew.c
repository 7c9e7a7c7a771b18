/* client/crew: supervisors and their workers; see include/drover/client.h. */
#include <jansson.h>
#include <string.h>

#include "base/json_scan.h"
#include "client/internal.h"
#include "queue/entry.h"
#include "queue/envelope.h"

/* -- workers ------------------------------------------------------------------------------- */

/* The third part of HOST:PID:QUEUES; empty where the id is not of that form. */
static struct span queues_of(struct span id)
{
	for (int parts = 0; id.len && parts < 2; id.at++, id.len--)
		parts += *id.at == ':';
	return id;
}

/* A pool's queues as they stand in its workers' ids: without those that are excluded. */
static bool pool_has_queues(const json_t *pool, struct span queues)
{
	struct text joined = {0};
	const json_t *queue;
	size_t i;
	bool same;

	json_array_foreach(json_object_get(pool, "queues"), i, queue)
	{
		const char *name = json_string_value(queue);

		if (!name || *name == '!')
			continue;
		if (joined.len)
			text_add_char(&joined, ',');
		text_add_str(&joined, name);
	}
	same = joined.len == queues.len && joined.len &&
	       memcmp(joined.data, queues.at, queues.len) == 0;
	text_fini(&joined);
	return same;
}

/* The pool of an idle worker: the only one with its queues. */
static void find_idle_pool(
	struct text *pool, const struct internal_supervisor *s, struct span worker)
{
	struct span text = texts_value(&s->record, "pools");
	json_t *pools = json_loadb(text.at, text.len, 0, NULL);
	const json_t *one;
	size_t i, found = 0;

	json_array_foreach(pools, i, one)
	{
		const char *name = json_string_value(json_object_get(one, "name"));

		if (!name || !pool_has_queues(one, queues_of(worker)))
			continue;
		text_clear(pool);
		text_add_str(pool, name);
		found++;
	}
	if (found != 1)
		text_clear(pool);
	json_decref(pools);
}

/* The token of the job in its hands; empty where it has none. */
static struct span find_token(const struct internal_supervisor *s, struct span worker)
{
	for (size_t i = 0; i + 1 < s->lease.n; i += 2) {
		struct span token = texts_at(&s->lease, i);
		struct entry entry;
		struct err err;

		if (!internal_is_token(token) ||
			entry_read(&entry, texts_at(&s->lease, i + 1), &err) < 0 ||
			entry.worker.len != worker.len ||
			memcmp(entry.worker.at, worker.at, worker.len) != 0)
			continue;
		return token;
	}
	return SPAN_LIT("");
}

static void find_pool(struct text *pool, const struct internal_supervisor *s, struct span worker)
{
	struct span token = find_token(s, worker);

	if (token.len)
		text_add_span(pool, inspect_pool(token));
	else
		find_idle_pool(pool, s, worker);
}

static bool has_worker(const struct internal_supervisor *s, struct span worker)
{
	struct span ids = texts_value(&s->record, "worker_ids");

	while (ids.len) {
		const char *end = memchr(ids.at, '\n', ids.len);
		size_t len = end ? (size_t)(end - ids.at) : ids.len;

		if (len == worker.len && memcmp(ids.at, worker.at, len) == 0)
			return true;
		len += end ? 1 : 0;
		ids.at += len;
		ids.len -= len;
	}
	return false;
}

/* Its own record knows all its workers; when that is gone, its lease still names the busy ones. */
static const struct internal_supervisor *find_supervisor(
	const struct internal_crew *crew, struct span worker)
{
	for (size_t i = 0; i < crew->n; i++)
		if (has_worker(&crew->items[i], worker) || find_token(&crew->items[i], worker).len)
			return &crew->items[i];
	return NULL;
}

/* What stands in worker:ID. */
struct at_work {
	struct text queue, run_at;
	struct span payload;
};

static void note_member(void *ctx, struct span key, enum json_kind kind, struct span value)
{
	struct at_work *w = ctx;

	if (span_is(key, "payload"))
		w->payload = value;
	else if (kind == JSON_KIND_STRING && span_is(key, "queue"))
		json_add_decoded(&w->queue, value);
	else if (kind == JSON_KIND_STRING && span_is(key, "run_at"))
		json_add_decoded(&w->run_at, value);
}

static void tell_worker(const struct internal_crew *crew, struct span id, struct span record,
	drover_worker_fn *fn, void *ctx)
{
	struct drover_worker_info info = {.id = internal_give(id),
		.busy = record.len > 0,
		.pid = DROVER_UNKNOWN,
		.silent_ms = DROVER_UNKNOWN};
	const struct internal_supervisor *s = find_supervisor(crew, id);
	struct at_work work = {0};
	struct envelope e = {0};
	struct text pool = {0};
	struct err unreadable;

	json_scan(record, note_member, &work, &unreadable);
	if (work.payload.len)
		envelope_read(&e, work.payload, &unreadable);
	info.started_at_ms = internal_time((struct span){work.run_at.data, work.run_at.len});
	info.supervisor = internal_give(span_of(NULL));
	if (s) {
		find_pool(&pool, s, id);
		info.supervisor = internal_give(s->id);
		info.pid = inspect_find_pid(texts_value(&s->record, "worker_pids"), id);
		info.lost = s->lost;
		info.silent_ms = s->lost ? s->silent_ms : DROVER_UNKNOWN;
	}
	info.pool = internal_give_text(&pool);
	info.jid = internal_give_text(&e.jid);
	info.class_name = internal_give_text(&e.class_name);
	info.queue = internal_give_text(&work.queue);
	fn(ctx, &info);
	envelope_fini(&e);
	text_fini(&pool);
	text_fini(&work.queue);
	text_fini(&work.run_at);
}

int drover_worker_each(
	struct drover_client *c, drover_worker_fn *fn, void *ctx, struct drover_error *error)
{
	struct internal_crew crew;
	struct texts ids = {0}, record = {0};
	struct err err = {0};
	int rc;

	if (internal_crew_load(c, &crew, error) < 0)
		return -1;
	rc = inspect_workers(&c->in, &ids, &err);
	for (size_t i = 0; rc == 0 && i < ids.n; i++) {
		struct span id = texts_at(&ids, i);

		rc = inspect_worker(&c->in, id, &record, &err);
		if (rc == ASK_WRONG_TYPE) {
			texts_fini(&record);
			rc = 0;
		}
		if (rc == 0)
			tell_worker(
				&crew, id, record.n ? texts_at(&record, 0) : SPAN_LIT(""), fn, ctx);
	}
	texts_fini(&ids);
	texts_fini(&record);
	internal_crew_fini(&crew);
	return rc < 0 ? internal_read_failed(error, rc, &err) : 0;
}

/* -- supervisors --------------------------------------------------------------------------- */

static void tell_supervisor(
	const struct internal_supervisor *s, drover_supervisor_fn *fn, void *ctx)
{
	struct span pools = texts_value(&s->record, "pools");
	struct err why;
	struct drover_supervisor_info info = {.id = internal_give(s->id),
		.host = internal_give(texts_value(&s->record, "host")),
		.version = internal_give(texts_value(&s->record, "version")),
		.state = internal_give(texts_value(&s->record, "state")),
		.pid = ask_to_number(texts_value(&s->record, "pid"), DROVER_UNKNOWN),
		.workers = ask_to_number(texts_value(&s->record, "workers"), DROVER_UNKNOWN),
		.busy = ask_to_number(texts_value(&s->record, "busy"), DROVER_UNKNOWN),
		.started_at_ms = internal_time(texts_value(&s->record, "started_at")),
		.beat_ms = s->silent_ms,
		.held = s->held,
		.lost = s->lost};

	if (json_scan(pools, NULL, NULL, &why) != JSON_KIND_ARRAY)
		pools = span_of(NULL);
	info.pools = internal_give(pools);
	fn(ctx, &info);
}

int drover_supervisor_each(
	struct drover_client *c, drover_supervisor_fn *fn, void *ctx, struct drover_error *error)
{
	struct internal_crew crew;

	if (internal_crew_load(c, &crew, error) < 0)
		return -1;
	for (size_t i = 0; i < crew.n; i++)
		tell_supervisor(&crew.items[i], fn, ctx);
	internal_crew_fini(&crew);
	return 0;
}
