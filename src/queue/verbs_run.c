/*
 * queue/verbs_run: what a supervisor asks of Redis for iterating jobs (verbs.h). Runs in droverd. It
 * puts arguments together and decides nothing.
 */
#include "queue/keys.h"
#include "queue/scripts.h"
#include "queue/verbs.h"
#include "base/clock.h"

static const struct span NO_SPAN = {"", 0};

static void add_number_or(struct text *out, bool there, int64_t n)
{
	if (there)
		text_add_int(out, n);
	else
		text_add_char(out, '-');
	text_add_char(out, ' ');
}

void verbs_add_position(struct text *out, const struct verbs_position *p)
{
	text_add_span(out, p->run);
	text_addf(out, " %lld ", (long long)p->part);
	add_number_or(out, p->known, p->number);
	text_addf(out, "%lld %lld ", (long long)p->done, (long long)p->errors);
	add_number_or(out, p->end != INT64_MAX, p->end);
	text_addf(out, "%lld %lld %.1f ", (long long)p->item, (long long)p->tries, p->speed);
	text_add_span(out, p->cursor);
}

static void add_counted(struct text *out, struct span s)
{
	text_addf(out, "%zu ", s.len);
	text_add_span(out, s);
	text_add_char(out, ' ');
}

void verbs_add_part(struct text *out, int64_t part, int64_t number, int64_t end, struct span cursor,
	struct span payload)
{
	text_addf(out, "%lld %lld ", (long long)part, (long long)number);
	add_number_or(out, end != INT64_MAX, end);
	add_counted(out, cursor);
	add_counted(out, payload);
}

void verbs_add_follow(struct text *out, const char *state, struct span queue, struct span payload)
{
	text_addf(out, "%s ", state);
	add_counted(out, queue);
	add_counted(out, payload);
}

static struct words *begin(struct verbs *v)
{
	struct words *w = &v->words;

	words_clear(w);
	words_add_key(w, v->prefix, KEY_SUPERVISORS, NO_SPAN);
	words_add_key(w, v->prefix, KEY_LEASE, span_of(v->lease));
	words_add_str(w, v->lease);
	words_add_str(w, v->prefix);
	return w;
}

static bool send(struct verbs *v, const struct redis_script *script, redis_reply_fn *fn, void *ctx)
{
	return redis_send_script(v->redis, script, fn, ctx, 2, v->words.n, words_spans(&v->words));
}

static void add_spans(struct words *w, const struct span *spans, size_t n)
{
	for (size_t i = 0; i < n; i++)
		words_add(w, spans[i].len ? spans[i] : NO_SPAN);
}

bool verbs_checkpoint(struct verbs *v, const struct verbs_checkpoint *jobs, size_t n,
	int64_t runs_kept_ms, redis_reply_fn *fn, void *ctx)
{
	struct words *w = begin(v);

	words_add_int(w, clock_wall_ms());
	words_add_int(w, runs_kept_ms);
	for (size_t i = 0; i < n; i++) {
		words_add(w, jobs[i].token);
		words_add_str(w, jobs[i].mark ? "mark" : "");
		words_add(w, jobs[i].position);
		words_add_int(w, (int64_t)(jobs[i].n_pairs / 2));
		add_spans(w, jobs[i].pairs, jobs[i].n_pairs);
		words_add_int(w, (int64_t)jobs[i].n_asides);
		add_spans(w, jobs[i].asides, 2 * jobs[i].n_asides);
		words_add_int(w, (int64_t)jobs[i].n_lines);
		add_spans(w, jobs[i].lines, jobs[i].n_lines);
	}
	return send(v, &script_checkpoint, fn, ctx);
}

bool verbs_share(struct verbs *v, const struct verbs_share *s, redis_reply_fn *fn, void *ctx)
{
	struct words *w = begin(v);

	words_add(w, s->token);
	words_add(w, s->run);
	words_add_int(w, s->part);
	words_add_int(w, s->number);
	words_add_int(w, s->new_part);
	words_add_int(w, s->number);
	words_add(w, s->cursor);
	words_add(w, s->queue);
	words_add(w, s->payload);
	return send(v, &script_share, fn, ctx);
}

bool verbs_grant(struct verbs *v, const struct verbs_grant *grants, size_t n, int64_t ahead_us,
	redis_reply_fn *fn, void *ctx)
{
	struct words *w = begin(v);

	words_add_int(w, ahead_us);
	for (size_t i = 0; i < n; i++) {
		words_add(w, grants[i].run);
		words_add_int(w, grants[i].wanted);
		words_add(w, grants[i].rate.len ? grants[i].rate : NO_SPAN);
	}
	return send(v, &script_grant, fn, ctx);
}
