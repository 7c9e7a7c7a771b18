/*
 * queue/envelope: payloads written and written again; see envelope.h. Pure but for new ids. It must
 * never change a byte of a payload that it was not asked to change: Ruby clients write integers
 * of any size and floats that a decoder would not give back.
 */
#include "queue/envelope.h"
#include "base/json_scan.h"
#include "base/random.h"

void envelope_new_jid(char *out)
{
	random_hex(out, JID_OWN);
}

static void add_own_name(struct text *out, bool *any, const char *name)
{
	text_addf(out, "%s\"%s\":", *any ? "," : ",\"drover\":{", name);
	*any = true;
}

static void add_own_text(struct text *out, bool *any, const char *name, struct span value)
{
	if (value.len == 0)
		return;
	add_own_name(out, any, name);
	text_add_json(out, value);
}

static void add_own_flag(struct text *out, bool *any, const char *name, bool value)
{
	if (!value)
		return;
	add_own_name(out, any, name);
	text_add_str(out, "true");
}

static void add_own_number(
	struct text *out, bool *any, const char *name, int64_t value, int64_t least)
{
	if (value < least)
		return;
	add_own_name(out, any, name);
	text_add_int(out, value);
}

static void add_each(struct text *out, bool *any, const struct envelope_each *each)
{
	add_own_number(out, any, "from", each->from, 0);
	add_own_number(out, any, "to", each->to, 0);
	add_own_number(out, any, "limit", each->limit, 0);
	add_own_number(out, any, "parallel", each->parallel, 1);
	add_own_text(out, any, "csv", each->csv);
	add_own_text(out, any, "parent", each->parent);
	add_own_number(out, any, "part", each->part, ENVELOPE_END);
	add_own_number(out, any, "retry", each->retry, 1);
}

void envelope_compose(struct text *out, const struct envelope_new *n)
{
	bool any = false;

	text_add_str(out, "{\"class\":");
	text_add_json(out, n->class_name);
	text_add_str(out, ",\"args\":");
	text_add_span(out, n->args_json);
	text_addf(out, ",\"jid\":\"%s\",\"at\":%lld.%03d", n->jid, (long long)(n->now_ms / 1000),
		(int)(n->now_ms % 1000));
	add_own_text(out, &any, "origin", span_of(n->origin));
	add_own_text(out, &any, "tick", span_of(n->tick));
	add_own_flag(out, &any, "overlap", n->overlap);
	add_own_flag(out, &any, "track", n->track);
	if (n->each)
		add_each(out, &any, n->each);
	text_add_str(out, any ? "}}" : "}");
}

/* -- rewriting: copy every member but ours, then append ours as the last ------------------------- */

struct rewrite {
	struct text *out;
	bool any, lost;
	struct span own; /* the old `drover` object; .len 0: none */
};

static void copy_member(void *ctx, struct span key, enum json_kind kind, struct span value)
{
	struct rewrite *r = ctx;

	if (span_is(key, "drover") && kind == JSON_KIND_OBJECT)
		r->own = value;
	if (span_is(key, "jid") || span_is(key, "drover"))
		return;
	text_add_char(r->out, r->any ? ',' : '{');
	r->any = true;
	text_add_char(r->out, '"');
	text_add_span(r->out, key);
	text_add_str(r->out, "\":");
	text_add_span(r->out, value);
}

static void add_count(struct text *out, const char *name, int64_t n)
{
	if (n > 0)
		text_addf(out, ",\"%s\":%lld", name, (long long)n);
}

/* What stands in `drover` and is not replaced: the tick of a firing, or what others know. */
static void copy_own_member(void *ctx, struct span key, enum json_kind kind, struct span value)
{
	static const char *const REPLACED[] = {
		"attempt", "interruptions", "recoveries", "origin", "track"};
	struct rewrite *r = ctx;

	(void)kind;
	for (size_t i = 0; i < sizeof REPLACED / sizeof *REPLACED; i++)
		if (span_is(key, REPLACED[i]))
			return;
	if (r->lost && span_is(key, "lost_by"))
		return;
	text_add_str(r->out, ",\"");
	text_add_span(r->out, key);
	text_add_str(r->out, "\":");
	text_add_span(r->out, value);
}

void envelope_rewrite(struct text *out, struct span payload, const struct envelope_change *c)
{
	struct rewrite r = {.out = out, .lost = c->lost_by.len > 0};
	struct err ignored;

	json_scan(payload, copy_member, &r, &ignored);
	text_add_str(out, r.any ? ",\"jid\":" : "{\"jid\":");
	text_add_json(out, c->jid);
	text_addf(out, ",\"drover\":{\"attempt\":%lld", (long long)c->attempt);
	add_count(out, "interruptions", c->interruptions);
	add_count(out, "recoveries", c->recoveries);
	if (c->origin)
		text_addf(out, ",\"origin\":\"%s\"", c->origin);
	if (c->track)
		text_add_str(out, ",\"track\":true");
	if (r.lost) {
		text_add_str(out, ",\"lost_by\":");
		text_add_json(out, c->lost_by);
	}
	if (r.own.len)
		json_scan(r.own, copy_own_member, &r, &ignored);
	text_add_str(out, "}}");
}
