/*
 * queue/envelope: see envelope.h. Runs in droverd on whatever a client pushed; pure. It must
 * never change a byte of a payload that it was not asked to change: Ruby clients write integers
 * of any size and floats that a decoder would not give back.
 */
#include "queue/envelope.h"
#include "base/json_scan.h"
#include "base/random.h"

#include <stdlib.h>
#include <string.h>

struct member {
	bool there;
	enum json_kind kind;
	struct span value;
};

struct members {
	struct member class_name, args, jid, at, drover;
};

static void keep_member(struct member *m, enum json_kind kind, struct span value)
{
	*m = (struct member){.there = kind != JSON_KIND_NULL, .kind = kind, .value = value};
}

/* A name written with escapes is none of ours: Resque's clients never do that. The last one wins, as in Ruby. */
static void note_member(void *ctx, struct span key, enum json_kind kind, struct span value)
{
	struct members *m = ctx;
	const struct {
		const char *name;
		struct member *into;
	} known[] = {{"class", &m->class_name}, {"args", &m->args}, {"jid", &m->jid},
		{"at", &m->at}, {"drover", &m->drover}};

	for (size_t i = 0; i < sizeof known / sizeof *known; i++)
		if (span_is(key, known[i].name))
			keep_member(known[i].into, kind, value);
}

static int64_t whole_number(enum json_kind kind, struct span value, int64_t otherwise)
{
	int64_t n = 0;

	if (kind != JSON_KIND_NUMBER || value.len > 18)
		return otherwise;
	for (size_t i = 0; i < value.len; i++) {
		if (value.at[i] < '0' || value.at[i] > '9')
			return otherwise;
		n = n * 10 + (value.at[i] - '0');
	}
	return n;
}

static void note_text(struct text *into, enum json_kind kind, struct span value)
{
	if (kind != JSON_KIND_STRING)
		return;
	text_clear(into);
	json_add_decoded(into, value);
}

/* Our own member. What is odd in it is taken as not said: it is bookkeeping, not the job. */
static void note_own(void *ctx, struct span key, enum json_kind kind, struct span value)
{
	struct envelope *e = ctx;

	if (span_is(key, "attempt"))
		e->attempt = whole_number(kind, value, 1);
	else if (span_is(key, "interruptions"))
		e->interruptions = whole_number(kind, value, 0);
	else if (span_is(key, "recoveries"))
		e->recoveries = whole_number(kind, value, 0);
	else if (span_is(key, "track"))
		e->track = kind == JSON_KIND_TRUE;
	else if (span_is(key, "overlap"))
		e->overlap = kind == JSON_KIND_TRUE;
	else if (span_is(key, "origin"))
		note_text(&e->origin, kind, value);
	else if (span_is(key, "tick"))
		note_text(&e->tick, kind, value);
	else if (span_is(key, "lost_by"))
		note_text(&e->lost_by, kind, value);
}

bool envelope_jid_valid(struct span jid)
{
	if (jid.len < 1 || jid.len > JID_MAX)
		return false;
	for (size_t i = 0; i < jid.len; i++) {
		char c = jid.at[i];
		bool alnum =
			(c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');

		if (!alnum && memchr("._:-", c, 4) == NULL)
			return false;
	}
	return true;
}

static int read_class(struct envelope *e, const struct member *m, struct err *err)
{
	if (!m->there)
		return err_set(err, "the payload has no class");
	if (m->kind != JSON_KIND_STRING)
		return err_set(err, "the payload's class is not a string");
	json_add_decoded(&e->class_name, m->value);
	if (e->class_name.len == 0)
		return err_set(err, "the payload's class is empty");
	if (memchr(e->class_name.data, '\0', e->class_name.len))
		return err_set(err, "the payload's class holds a NUL character");
	return 0;
}

static int read_jid(struct envelope *e, const struct member *m, struct err *err)
{
	if (!m->there)
		return 0;
	if (m->kind == JSON_KIND_STRING)
		json_add_decoded(&e->jid, m->value);
	if (envelope_jid_valid((struct span){e->jid.data, e->jid.len}))
		return 0;
	text_clear(&e->jid);
	return err_set(err, "the payload's jid is not 1 to %d of A-Z a-z 0-9 . _ : -", JID_MAX);
}

static int read_args(struct envelope *e, const struct member *m, struct err *err)
{
	if (!m->there)
		return 0;
	if (m->kind != JSON_KIND_ARRAY)
		return err_set(err, "the payload's args are not an array");
	e->args = m->value;
	return 0;
}

static int64_t read_at(const struct member *m)
{
	char digits[40];

	if (!m->there || m->kind != JSON_KIND_NUMBER || m->value.len >= sizeof digits)
		return 0;
	memcpy(digits, m->value.at, m->value.len);
	digits[m->value.len] = '\0';
	double seconds = strtod(digits, NULL);
	return seconds > 0 && seconds < 1e12 ? (int64_t)(seconds * 1000) : 0;
}

int envelope_read(struct envelope *e, struct span payload, struct err *err)
{
	struct members m = {0};
	struct err ignored;
	int kind;

	*e = (struct envelope){.args = SPAN_LIT("[]"), .attempt = 1};
	kind = json_scan(payload, note_member, &m, err);
	if (kind < 0)
		return err_at(err, "the payload is no JSON");
	if (kind != JSON_KIND_OBJECT)
		return err_set(err, "the payload is JSON, but not an object");
	if (m.drover.kind == JSON_KIND_OBJECT && m.drover.there)
		json_scan(m.drover.value, note_own, e, &ignored);
	e->at_ms = read_at(&m.at);
	if (read_jid(e, &m.jid, err) < 0 || read_class(e, &m.class_name, err) < 0)
		return -1;
	return read_args(e, &m.args, err);
}

void envelope_fini(struct envelope *e)
{
	text_fini(&e->class_name);
	text_fini(&e->jid);
	text_fini(&e->origin);
	text_fini(&e->tick);
	text_fini(&e->lost_by);
}

void envelope_new_jid(char *out)
{
	random_hex(out, JID_OWN);
}

static void add_own_text(struct text *out, bool *any, const char *name, const char *value)
{
	if (value == NULL)
		return;
	text_addf(out, "%s\"%s\":", *any ? "," : ",\"drover\":{", name);
	text_add_json(out, span_of(value));
	*any = true;
}

static void add_own_flag(struct text *out, bool *any, const char *name, bool value)
{
	if (value)
		text_addf(out, "%s\"%s\":true", *any ? "," : ",\"drover\":{", name);
	*any = *any || value;
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
	add_own_text(out, &any, "origin", n->origin);
	add_own_text(out, &any, "tick", n->tick);
	add_own_flag(out, &any, "overlap", n->overlap);
	add_own_flag(out, &any, "track", n->track);
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
