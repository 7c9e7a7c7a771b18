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

static void add_record(struct words *w, const struct verbs_record *r)
{
	words_add(w, r->jid.len ? r->jid : NO_SPAN);
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
		add_record(w, &jobs[i].record);
	}
	return send_script(v, &script_start, 2, fn, ctx);
}

bool verbs_finish(struct verbs *v, const struct verdict *verdicts, size_t n, int64_t keep_ms,
	redis_reply_fn *fn, void *ctx)
{
	static const char *const WORDS[] = {
		[VERDICT_DONE] = "done", [VERDICT_FAILED] = "failed", [VERDICT_HEAD] = "head"};
	struct words *w = begin(v);

	words_add_str(w, v->lease);
	words_add_str(w, v->prefix);
	words_add_int(w, clock_wall_ms());
	words_add_int(w, keep_ms);
	for (size_t i = 0; i < n; i++) {
		words_add(w, verdicts[i].token);
		words_add_str(w, WORDS[verdicts[i].kind]);
		words_add(w, verdicts[i].worker);
		words_add(w, verdicts[i].queue);
		words_add(w, verdicts[i].text);
		words_add(w, verdicts[i].next_record.len ? verdicts[i].next_record : NO_SPAN);
		add_record(w, &verdicts[i].record);
	}
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
	for (size_t i = 0; i < n_queues; i++)
		words_add_key(w, v->prefix, KEY_QUEUE, queues[i]);
	words_add_str(w, v->prefix);
	words_add_str(w, members ? "members" : "");
	return send_script(v, &script_watch, 3 + n_queues, fn, ctx);
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
