/*
 * queue/envelope: what a payload says; see envelope.h. Runs in droverd on whatever a client
 * pushed; pure. Writing is in envelope_write.c.
 */
#include "queue/envelope.h"
#include "base/json_scan.h"

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

/* The completion job of a run is the only one whose number is below 0. */
static int64_t part_number(enum json_kind kind, struct span value)
{
	if (kind == JSON_KIND_NUMBER && span_is(value, "-1"))
		return ENVELOPE_END;
	return whole_number(kind, value, ENVELOPE_NO_PART);
}

/* Both stand in names of keys. */
static void note_id(struct text *into, enum json_kind kind, struct span value)
{
	text_clear(into);
	note_text(into, kind, value);
	if (!envelope_jid_valid((struct span){into->data, into->len}))
		text_clear(into);
}

static void note_each(struct envelope *e, struct span key, enum json_kind kind, struct span value)
{
	const struct {
		const char *name;
		int64_t *into, otherwise;
	} numbers[] = {{"from", &e->from, -1}, {"to", &e->to, -1}, {"limit", &e->limit, -1},
		{"parallel", &e->parallel, 0}, {"retry", &e->retry, 0}};

	for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
		if (span_is(key, numbers[i].name))
			*numbers[i].into = whole_number(kind, value, numbers[i].otherwise);
	if (span_is(key, "part"))
		e->part = part_number(kind, value);
	else if (span_is(key, "csv"))
		note_id(&e->csv, kind, value);
	else if (span_is(key, "parent"))
		note_id(&e->parent, kind, value);
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
	else
		note_each(e, key, kind, value);
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

	*e = (struct envelope){.args = SPAN_LIT("[]"),
		.attempt = 1,
		.from = -1,
		.to = -1,
		.limit = -1,
		.part = ENVELOPE_NO_PART};
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
	text_fini(&e->csv);
	text_fini(&e->parent);
}
