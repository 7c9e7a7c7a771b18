/*
 * resque_view: see resque_view.h. droverd. Only Resque's rule 2 (a heartbeat older than 300 s) is
 * applied to others, never rule 3, which judges by the process table of this host.
 */
#include "supervisor/standing/resque_view.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/must.h"
#include "queue/failure.h"
#include "queue/keys.h"

#include <event2/event.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

enum { BEAT_EVERY_S = 30, DEAD_AFTER_S = 300, PRUNE_LOCK_S = 60 };

struct resque_view {
	struct verbs *verbs;
	const struct resque_view_events *events;
	void *ctx;
	struct event *timer;
	int64_t started_wall_ms;
};

/* One dead worker between reading its job and removing it. */
struct dead {
	struct resque_view *view;
	char *id, *heartbeat;
};

bool resque_view_is_dead(const char *heartbeat, int64_t now_wall_ms)
{
	int64_t then_ms;

	if (clock_parse_rfc3339(heartbeat, &then_ms) < 0)
		return false;
	return now_wall_ms / 1000 - then_ms / 1000 > DEAD_AFTER_S;
}

static void free_dead(struct dead *d)
{
	free(d->id);
	free(d->heartbeat);
	free(d);
}

/* The class of the job a worker record holds, for the sentence Resque writes. Caller frees. */
static char *class_of(json_t *payload)
{
	const char *name = json_string_value(json_object_get(payload, "class"));

	return must_strdup(name ? name : "<Unknown Job>");
}

/* {"queue":..,"run_at":..,"payload":{..}} -> the record Resque would write for it. */
static void make_failure(struct text *out, const struct dead *d, struct span record)
{
	json_error_t where;
	json_t *root = json_loadb(record.at, record.len, JSON_DECODE_INT_AS_REAL, &where);
	const char *queue = json_string_value(json_object_get(root, "queue"));
	json_t *payload = json_object_get(root, "payload");
	const char *at = json_is_object(payload) ? strstr(record.at, "\"payload\":") : NULL;
	char *class = class_of(payload);
	char *error =
		must_printf("Worker %s did not gracefully exit while processing %s", d->id, class);
	struct failure f = {.failed_at_ms = clock_wall_ms(),
		.payload = record,
		.exception = SPAN_LIT("Resque::PruneDeadWorkerDirtyExit"),
		.error = span_of(error),
		.backtrace_json = SPAN_LIT("[]"),
		.worker = span_of(d->id),
		.queue = span_of(queue ? queue : "")};

	/* The payload is the last member, as Resque and we write it: its bytes, not a decoded copy. */
	if (at && record.at[record.len - 1] == '}') {
		f.payload.at = at + strlen("\"payload\":");
		f.payload.len = (size_t)(record.at + record.len - 1 - f.payload.at);
		f.payload_readable = true;
	}
	failure_write(out, &f);
	free(error);
	free(class);
	json_decref(root);
}

static void on_pruned(void *arg, const struct redis_reply *r)
{
	struct dead *d = arg;

	if (r && r->type == REDIS_INTEGER && r->integer == 1)
		log_event(LOG_WARN, "worker.pruned", LOG_STR("worker", d->id),
			LOG_STR("heartbeat", d->heartbeat));
	free_dead(d);
}

static void on_job_of_dead(void *arg, const struct redis_reply *r)
{
	struct dead *d = arg;
	struct text failure = {0};
	struct span job = {"", 0};

	if (r == NULL) {
		free_dead(d);
		return;
	}
	if (r->type == REDIS_STRING) {
		job = r->text;
		make_failure(&failure, d, job);
	}
	if (!verbs_prune(d->view->verbs, span_of(d->id), span_of(d->heartbeat), job,
		    (struct span){failure.data, failure.len}, on_pruned, d))
		free_dead(d);
	text_fini(&failure);
}

static void look_at_dead(struct resque_view *v, struct span id, struct span heartbeat)
{
	struct dead *d = must_alloc(sizeof *d);
	char *key = key_make(v->verbs->prefix, KEY_WORKER, id);
	const struct span words[] = {{"GET", 3}, span_of(key)};

	*d = (struct dead){
		v, must_strndup(id.at, id.len), must_strndup(heartbeat.at, heartbeat.len)};
	if (!redis_send(v->verbs->redis, on_job_of_dead, d, 2, words))
		free_dead(d);
	free(key);
}

static void on_heartbeats(void *arg, const struct redis_reply *r)
{
	struct resque_view *v = arg;
	int64_t now = clock_wall_ms();

	if (r == NULL || r->type != REDIS_ARRAY)
		return;
	for (size_t i = 0; i + 1 < r->n; i += 2)
		if (resque_view_is_dead(r->items[i + 1]->text.at, now))
			look_at_dead(v, r->items[i]->text, r->items[i + 1]->text);
}

/* One pruner at a time, as with Resque: the key expires by itself. */
static void on_prune_lock(void *arg, const struct redis_reply *r)
{
	struct resque_view *v = arg;
	char *key;

	if (r == NULL || r->type != REDIS_STATUS)
		return;
	key = key_make(v->verbs->prefix, KEY_HEARTBEAT, (struct span){"", 0});
	const struct span words[] = {{"HGETALL", 7}, span_of(key)};
	redis_send(v->verbs->redis, on_heartbeats, v, 2, words);
	free(key);
}

static void start_prune(struct resque_view *v, struct span own_id)
{
	char *key = key_make(v->verbs->prefix, KEY_PRUNING, (struct span){"", 0});
	const struct span words[] = {
		{"SET", 3}, span_of(key), own_id, {"EX", 2}, {"60", 2}, {"NX", 2}};

	_Static_assert(PRUNE_LOCK_S == 60, "stands as text above");
	redis_send(v->verbs->redis, on_prune_lock, v, 6, words);
	free(key);
}

static void beat(struct resque_view *v)
{
	const struct timeval tv = {.tv_sec = BEAT_EVERY_S};
	size_t n;
	const struct span *ids = v->events->ids(v->ctx, &n);

	evtimer_add(v->timer, &tv);
	if (n == 0)
		return;
	verbs_enlist(v->verbs, VERBS_ENLIST_BEAT, clock_wall_ms(), v->started_wall_ms, ids, n, NULL,
		NULL);
	start_prune(v, ids[0]);
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
	(void)fd, (void)what;
	beat(arg);
}

struct resque_view *resque_view_new(struct event_base *base, struct verbs *verbs,
	const struct resque_view_events *events, void *ctx)
{
	struct resque_view *v = must_alloc(sizeof *v);

	*v = (struct resque_view){
		.verbs = verbs, .events = events, .ctx = ctx, .started_wall_ms = clock_wall_ms()};
	v->timer = evtimer_new(base, on_timer, v);
	return v;
}

void resque_view_free(struct resque_view *v)
{
	if (v == NULL)
		return;
	event_free(v->timer);
	free(v);
}

void resque_view_add(
	struct resque_view *v, const struct span *ids, size_t n, redis_reply_fn *done, void *ctx)
{
	int64_t now = clock_wall_ms();

	if (n > 0)
		verbs_enlist(v->verbs, VERBS_ENLIST_ADD, now, now, ids, n, done, ctx);
}

void resque_view_remove(
	struct resque_view *v, const struct span *ids, size_t n, redis_reply_fn *done, void *ctx)
{
	if (n > 0)
		verbs_enlist(v->verbs, VERBS_ENLIST_REMOVE, 0, 0, ids, n, done, ctx);
}

void resque_view_connected(struct resque_view *v)
{
	beat(v);
}
