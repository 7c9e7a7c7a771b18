/* queue/verbs: see verbs.h. Runs in droverd. It puts arguments together and decides nothing. */
#include "queue/verbs.h"
#include "base/clock.h"
#include "queue/keys.h"
#include "queue/scripts.h"

static const struct span NO_SPAN = {"", 0};

/* Every script of a supervisor begins with these two keys; see its lease check. */
static struct words *begin(struct verbs *v)
{
	struct words *w = &v->words;

	words_clear(w);
	words_add_key(w, v->prefix, KEY_SUPERVISORS, NO_SPAN);
	words_add_key(w, v->prefix, KEY_LEASE, span_of(v->lease));
	return w;
}

static bool send_script(struct verbs *v, const struct redis_script *script, size_t n_keys,
	redis_reply_fn *fn, void *ctx)
{
	return redis_send_script(
		v->redis, script, fn, ctx, n_keys, v->words.n, words_spans(&v->words));
}

static void add_span(struct words *w, struct span s)
{
	words_add(w, s.len ? s : NO_SPAN);
}

static void add_pairs(struct words *w, const struct verbs_record *r)
{
	words_add_int(w, (int64_t)(r->n_pairs / 2));
	for (size_t i = 0; i < r->n_pairs; i++)
		words_add(w, r->pairs[i]);
}

bool verbs_fetch(struct verbs *v, struct span pool, int64_t number, int64_t max_payload_bytes,
	const struct span *queues, size_t n_queues, const struct verbs_wanted *wanted,
	size_t n_wanted, redis_reply_fn *fn, void *ctx)
{
	struct words *w = begin(v);
	int64_t now = clock_wall_ms();
	char when[CLOCK_TEXT_SIZE];

	words_add_key(w, v->prefix, KEY_PAUSE_ALL, NO_SPAN);
	words_add_key(w, v->prefix, KEY_PAUSED, NO_SPAN);
	for (size_t i = 0; i < n_queues; i++)
		words_add_key(w, v->prefix, KEY_QUEUE, queues[i]);
	words_add_str(w, v->lease);
	words_add(w, pool);
	words_add_int(w, number);
	words_add_int(w, max_payload_bytes);
	words_add_str(w, v->prefix);
	words_add_str(w, clock_iso_second(now, when));
	words_add_str(w, clock_resque_failed(now, when));
	for (size_t i = 0; i < n_wanted; i++) {
		words_add(w, wanted[i].worker);
		words_add_key(w, wanted[i].ahead ? "+" : "", wanted[i].jid, NO_SPAN);
	}
	return send_script(v, &script_fetch, 4 + n_queues, fn, ctx);
}

bool verbs_start(
	struct verbs *v, const struct verbs_start *jobs, size_t n, redis_reply_fn *fn, void *ctx)
{
	struct words *w = begin(v);
	int64_t now = clock_wall_ms();
	char when[CLOCK_TEXT_SIZE];

	words_add_str(w, v->lease);
	words_add_str(w, v->prefix);
	words_add_str(w, clock_rfc3339(now, when));
	words_add_int(w, now);
	for (size_t i = 0; i < n; i++) {
		words_add(w, jobs[i].token);
		words_add(w, jobs[i].jid);
		words_add(w, jobs[i].class_name);
		words_add_str(w, jobs[i].again ? "again" : jobs[i].once ? "once" : "ask");
		if (jobs[i].max_running > 0)
			words_add_int(w, jobs[i].max_running);
		else
			words_add_str(w, "");
		add_span(w, jobs[i].unique);
		words_add_int(w, jobs[i].unique_for_ms);
		words_add_str(w, jobs[i].overlap ? "1" : "");
		add_span(w, jobs[i].parked);
		add_span(w, jobs[i].record.audit);
		add_span(w, jobs[i].place);
		add_pairs(w, &jobs[i].record);
	}
	return send_script(v, &script_start, 2, fn, ctx);
}

const char *verdict_kind_word(enum verdict_kind kind)
{
	static const char *const WORDS[VERDICT_KINDS] = {[VERDICT_DONE] = "done",
		[VERDICT_FAILED] = "failed",
		[VERDICT_CANCELLED] = "cancelled",
		[VERDICT_HEAD] = "head",
		[VERDICT_TAIL] = "tail",
		[VERDICT_LATER] = "later",
		[VERDICT_PAUSED] = "paused",
		[VERDICT_DIVIDED] = "divided"};

	return WORDS[kind];
}

static void add_verdict(struct words *w, const struct verdict *v)
{
	words_add(w, v->token);
	words_add_str(w, verdict_kind_word(v->kind));
	add_span(w, v->worker);
	words_add(w, v->queue);
	add_span(w, v->text);
	add_span(w, v->next_record);
	words_add_int(w, v->delay_ms);
	add_span(w, v->why);
	words_add_str(w, v->locks ? "1" : "");
	add_span(w, v->jid);
	add_span(w, v->record.audit);
	add_span(w, v->position);
	add_span(w, v->follow);
	add_pairs(w, &v->record);
}

bool verbs_finish(struct verbs *v, const struct verdict *verdicts, size_t n,
	const struct verbs_keep *keep, redis_reply_fn *fn, void *ctx)
{
	struct words *w = begin(v);

	words_add_str(w, v->lease);
	words_add_str(w, v->prefix);
	words_add_int(w, clock_wall_ms());
	words_add_int(w, keep->runs_ms);
	words_add_int(w, keep->ids_ms);
	for (size_t i = 0; i < n; i++)
		add_verdict(w, &verdicts[i]);
	return send_script(v, &script_finish, 2, fn, ctx);
}

bool verbs_beat(struct verbs *v, bool registering, const struct verbs_pool_mark *pools,
	size_t n_pools, const struct span *tokens, size_t n_tokens, const struct span *record,
	size_t n_record, redis_reply_fn *fn, void *ctx)
{
	struct words *w = begin(v);

	words_add_key(w, v->prefix, KEY_CLOCK, NO_SPAN);
	words_add_key(w, v->prefix, KEY_TAKEN, NO_SPAN);
	words_add_key(w, v->prefix, KEY_SUPERVISOR, span_of(v->lease));
	words_add_str(w, v->lease);
	words_add_int(w, v->lease_ms);
	words_add_str(w, registering ? "register" : "beat");
	words_add_int(w, (int64_t)n_pools);
	for (size_t i = 0; i < n_pools; i++) {
		words_add(w, pools[i].pool);
		words_add_int(w, pools[i].answered);
	}
	words_add_int(w, (int64_t)n_tokens);
	for (size_t i = 0; i < n_tokens; i++)
		words_add(w, tokens[i]);
	for (size_t i = 0; i < n_record; i++)
		words_add(w, record[i]);
	return send_script(v, &script_beat, 5, fn, ctx);
}

bool verbs_reenter(struct verbs *v, const struct verbs_pool_mark *pools, size_t n_pools,
	const struct verbs_held *held, size_t n_held, redis_reply_fn *fn, void *ctx)
{
	struct words *w = begin(v);

	words_add_str(w, v->lease);
	words_add_str(w, v->prefix);
	for (size_t i = 0; i < n_pools; i++) {
		words_add_key(w, "#", "", pools[i].pool);
		words_add_int(w, pools[i].answered);
	}
	for (size_t i = 0; i < n_held; i++) {
		words_add(w, held[i].token);
		words_add(w, held[i].entry);
		words_add(w, held[i].queue);
		words_add(w, held[i].payload);
	}
	return send_script(v, &script_reenter, 2, fn, ctx);
}

bool verbs_leave(struct verbs *v, redis_reply_fn *fn, void *ctx)
{
	struct words *w = begin(v);

	words_add_key(w, v->prefix, KEY_SUPERVISOR, span_of(v->lease));
	words_add_str(w, v->lease);
	return send_script(v, &script_leave, 3, fn, ctx);
}

bool verbs_adopt(struct verbs *v, int64_t number, const char *named, redis_reply_fn *fn, void *ctx)
{
	struct words *w = begin(v);

	words_add_key(w, v->prefix, KEY_CLOCK, NO_SPAN);
	words_add_key(w, v->prefix, KEY_TAKEN, NO_SPAN);
	words_add_str(w, v->lease);
	words_add_int(w, v->lease_ms);
	words_add_str(w, v->prefix);
	words_add_int(w, number);
	words_add_str(w, named ? named : "");
	return send_script(v, &script_adopt, 4, fn, ctx);
}

bool verbs_tick(struct verbs *v, bool members, const struct span *queues, size_t n_queues,
	redis_reply_fn *fn, void *ctx)
{
	static const char *const KEYS[] = {KEY_QUEUES, KEY_PAUSE_ALL, KEY_PAUSED, KEY_CONTROL,
		KEY_CLOCK, KEY_DELAYED, KEY_DELAYED_JOBS, KEY_PARKED_CLASSES};
	const size_t n_keys = sizeof KEYS / sizeof *KEYS;
	struct words *w = begin(v);

	for (size_t i = 0; i < n_keys; i++)
		words_add_key(w, v->prefix, KEYS[i], NO_SPAN);
	for (size_t i = 0; i < n_queues; i++)
		words_add_key(w, v->prefix, KEY_QUEUE, queues[i]);
	words_add_str(w, v->lease);
	words_add_str(w, v->prefix);
	words_add_int(w, v->lease_ms);
	words_add_int(w, VERBS_PROMOTE_MAX);
	words_add_str(w, members ? "members" : "");
	return send_script(v, &script_tick, 2 + n_keys + n_queues, fn, ctx);
}

bool verbs_read_due(struct verbs *v, struct span timestamp, redis_reply_fn *fn, void *ctx)
{
	struct words *w = &v->words;

	words_clear(w);
	words_add_str(w, "LRANGE");
	words_add_key(w, v->prefix, KEY_SCHEDULER_DELAYED, timestamp);
	words_add_int(w, 0);
	words_add_int(w, VERBS_PROMOTE_MAX - 1);
	return redis_send(v->redis, fn, ctx, w->n, words_spans(w));
}

bool verbs_promote(struct verbs *v, struct span timestamp, const struct verbs_due *due, size_t n,
	redis_reply_fn *fn, void *ctx)
{
	struct words *w = begin(v);

	words_add_str(w, v->lease);
	words_add_str(w, v->prefix);
	words_add(w, timestamp);
	for (size_t i = 0; i < n; i++) {
		words_add(w, due[i].item);
		add_span(w, due[i].queue);
		words_add(w, due[i].payload);
	}
	return send_script(v, &script_promote, 2, fn, ctx);
}

bool verbs_fire(struct verbs *v, const struct verbs_fire *f, redis_reply_fn *fn, void *ctx)
{
	struct words *w = begin(v);

	words_add_str(w, v->lease);
	words_add_str(w, v->prefix);
	words_add(w, f->name);
	if (f->nominal_s < 0) {
		words_add_str(w, "");
		return send_script(v, &script_fire, 2, fn, ctx);
	}
	words_add_int(w, f->nominal_s);
	words_add(w, f->class_name);
	words_add(w, f->queue);
	words_add(w, f->jid);
	words_add(w, f->payload);
	words_add_str(w, f->overlap);
	words_add_int(w, f->waiting_ms);
	return send_script(v, &script_fire, 2, fn, ctx);
}

static bool read_hash(struct verbs *v, const char *key, redis_reply_fn *fn, void *ctx)
{
	struct words *w = &v->words;

	words_clear(w);
	words_add_str(w, "HGETALL");
	words_add_key(w, v->prefix, key, NO_SPAN);
	return redis_send(v->redis, fn, ctx, w->n, words_spans(w));
}

bool verbs_read_cancel(struct verbs *v, redis_reply_fn *fn, void *ctx)
{
	return read_hash(v, KEY_CANCEL, fn, ctx);
}

bool verbs_read_pause(struct verbs *v, redis_reply_fn *fn, void *ctx)
{
	return read_hash(v, KEY_PAUSE, fn, ctx);
}

/* CACHING YES concerns the very next command, so the two must go out together. */
bool verbs_watch(struct verbs *v, bool tracked, bool members, const struct span *queues,
	size_t n_queues, redis_reply_fn *fn, void *ctx)
{
	static const struct span CACHING[] = {{"CLIENT", 6}, {"CACHING", 7}, {"YES", 3}};
	struct words *w = &v->words;

	if (!redis_is_up(v->redis))
		return false;
	if (tracked)
		redis_send(v->redis, NULL, NULL, 3, CACHING);
	words_clear(w);
	words_add_key(w, v->prefix, KEY_QUEUES, NO_SPAN);
	words_add_key(w, v->prefix, KEY_PAUSE_ALL, NO_SPAN);
	words_add_key(w, v->prefix, KEY_PAUSED, NO_SPAN);
	words_add_key(w, v->prefix, KEY_CONTROL, NO_SPAN);
	for (size_t i = 0; i < n_queues; i++)
		words_add_key(w, v->prefix, KEY_QUEUE, queues[i]);
	words_add_str(w, v->prefix);
	words_add_str(w, members ? "members" : "");
	return send_script(v, &script_watch, 4 + n_queues, fn, ctx);
}

bool verbs_enlist(struct verbs *v, enum verbs_enlist what, int64_t wall_ms, int64_t started_wall_ms,
	const struct span *ids, size_t n, redis_reply_fn *fn, void *ctx)
{
	static const char *const WORDS[] = {[VERBS_ENLIST_ADD] = "add",
		[VERBS_ENLIST_BEAT] = "beat",
		[VERBS_ENLIST_REMOVE] = "remove"};
	struct words *w = &v->words;
	char when[CLOCK_TEXT_SIZE];

	words_clear(w);
	words_add_str(w, v->prefix);
	words_add_str(w, WORDS[what]);
	words_add_str(w, clock_iso_offset(wall_ms, when));
	words_add_str(w, clock_ruby(started_wall_ms, when));
	for (size_t i = 0; i < n; i++)
		words_add(w, ids[i]);
	return send_script(v, &script_enlist, 0, fn, ctx);
}

bool verbs_prune(struct verbs *v, struct span id, struct span heartbeat, struct span job,
	struct span failure, redis_reply_fn *fn, void *ctx)
{
	struct words *w = &v->words;

	words_clear(w);
	words_add_str(w, v->prefix);
	words_add(w, id);
	words_add(w, heartbeat);
	words_add(w, job);
	words_add(w, failure);
	return send_script(v, &script_prune, 0, fn, ctx);
}
