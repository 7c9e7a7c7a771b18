/* client/record: what stands in Redis of one run, as libdrover tells it. Only reads. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json_scan.h"
#include "base/must.h"
#include "client/internal.h"
#include "queue/run_read.h"

static struct drover_text run_text(const struct texts *pairs, const char *field)
{
	return internal_give(texts_value(pairs, field));
}

static struct drover_text run_json(const struct texts *pairs, const char *field)
{
	struct span s = texts_value(pairs, field);
	struct err bad;

	return internal_give(json_scan(s, NULL, NULL, &bad) < 0 ? span_of(NULL) : s);
}

static long long run_number(const struct texts *pairs, const char *field)
{
	return ask_to_number(texts_value(pairs, field), DROVER_UNKNOWN);
}

/* Below 0 where it is no number. */
static double to_real(struct span s)
{
	char digits[40], *end;
	double n;

	if (s.len == 0 || s.len >= sizeof digits)
		return -1;
	memcpy(digits, s.at, s.len);
	digits[s.len] = '\0';
	n = strtod(digits, &end);
	return *end || !(n >= 0 && n < 1e18) ? -1 : n;
}

/* -- the run itself ------------------------------------------------------------------------ */

/* As long as it says how fast it goes, it goes on. */
static long long find_eta(const struct drover_job_info *info)
{
	long long left = info->total - info->done - info->errors;

	if (info->speed <= 0 || info->total < 0 || info->done < 0 || info->errors < 0)
		return DROVER_UNKNOWN;
	if (!span_is(internal_span(info->state), "running"))
		return DROVER_UNKNOWN;
	return left > 0 ? (long long)((double)left / info->speed * 1000) : 0;
}

/* "ITEMS PER_MS", or "none". */
static void read_rate(struct drover_job_info *info, struct span rate)
{
	const char *blank = rate.len ? memchr(rate.at, ' ', rate.len) : NULL;
	size_t len = blank ? (size_t)(blank - rate.at) : 0;

	if (!blank)
		return;
	info->rate_items = ask_to_number((struct span){rate.at, len}, 0);
	info->rate_per_ms =
		ask_to_number((struct span){blank + 1, rate.len - len - 1}, DROVER_UNKNOWN);
	if (info->rate_items <= 0 || info->rate_per_ms <= 0)
		info->rate_items = 0, info->rate_per_ms = DROVER_UNKNOWN;
}

/* A run that has not begun has done nothing yet. */
static long long or_none(long long n)
{
	return n < 0 ? 0 : n;
}

static void read_each(struct drover_job_info *info, const struct texts *pairs)
{
	struct span each = texts_value(pairs, "each");

	info->each = each.len > 0;
	if (!info->each)
		return;
	if (span_is(each, "1")) {
		info->done = or_none(run_number(pairs, "done"));
		info->total = run_number(pairs, "total");
		info->errors = or_none(run_number(pairs, "errors"));
	}
	info->speed = to_real(texts_value(pairs, "speed"));
	info->reason = run_text(pairs, "reason");
	info->csv = run_text(pairs, "csv");
	info->round = or_none(run_number(pairs, "round"));
	read_rate(info, texts_value(pairs, "rate"));
	info->eta_ms = find_eta(info);
}

static struct drover_job_info read_run(const struct texts *pairs, const char *jid)
{
	struct drover_job_info info = internal_blank_job();

	info.tracked = true;
	info.jid = internal_give(span_of(jid));
	info.class_name = run_text(pairs, "class");
	info.queue = run_text(pairs, "queue");
	info.args = run_json(pairs, "args");
	info.state = run_text(pairs, "state");
	info.worker = run_text(pairs, "worker");
	info.origin = run_text(pairs, "origin");
	info.attempt = run_number(pairs, "attempt");
	info.interruptions = run_number(pairs, "interruptions");
	info.recoveries = run_number(pairs, "recoveries");
	info.enqueued_at_ms = internal_time(texts_value(pairs, "enqueued_at"));
	info.started_at_ms = internal_time(texts_value(pairs, "started_at"));
	info.ended_at_ms = internal_time(texts_value(pairs, "ended_at"));
	info.next_at_ms = internal_time(texts_value(pairs, "next_at"));
	info.exception = run_text(pairs, "exception");
	info.error = run_text(pairs, "error");
	info.note = run_text(pairs, "note");
	info.result = run_json(pairs, "result");
	info.done = run_number(pairs, "progress_done");
	info.total = run_number(pairs, "progress_total");
	info.request_id = run_text(pairs, "request_id");
	info.tick = run_text(pairs, "tick");
	read_each(&info, pairs);
	return info;
}

/* -- its parts ----------------------------------------------------------------------------- */

static struct span part_value(const struct texts *pairs, long long part, const char *name)
{
	char field[64];

	snprintf(field, sizeof field, "%lld:%s", part, name);
	return texts_value(pairs, field);
}

static long long part_number(const struct texts *pairs, long long part, const char *name)
{
	return ask_to_number(part_value(pairs, part, name), DROVER_UNKNOWN);
}

static struct drover_part read_part(const struct texts *pairs, long long part)
{
	return (struct drover_part){.part = part,
		.state = internal_give(part_value(pairs, part, "state")),
		.first = part_number(pairs, part, "first"),
		.end = part_number(pairs, part, "end"),
		.number = part_number(pairs, part, "number"),
		.cursor = internal_give(part_value(pairs, part, "cursor")),
		.done = part_number(pairs, part, "done"),
		.errors = part_number(pairs, part, "errors"),
		.speed = to_real(part_value(pairs, part, "speed")),
		.at_ms = part_number(pairs, part, "at")};
}

/* "N:state" names a part; -1 where the field is another. */
static long long named_part(struct span field)
{
	const char *colon = field.len ? memchr(field.at, ':', field.len) : NULL;
	size_t len = colon ? (size_t)(colon - field.at) : 0;

	if (!colon || !span_is((struct span){colon, field.len - len}, ":state"))
		return -1;
	return ask_to_number((struct span){field.at, len}, -1);
}

static int compare_parts(const void *a, const void *b)
{
	const struct drover_part *x = a, *y = b;

	if (x->first != y->first)
		return x->first < y->first ? -1 : 1;
	return (x->part > y->part) - (x->part < y->part);
}

/* Part 0 stands for the whole until that is divided; by their place in the collection then. */
static void read_parts(struct internal_record *r)
{
	const struct texts *pairs = &r->part_pairs;
	bool divided = texts_value(&r->pairs, "parts").len > 0;
	size_t n = 0;

	for (size_t i = 0; i + 1 < pairs->n; i += 2) {
		long long part = named_part(texts_at(pairs, i));

		if (part < 0 || (part == 0) == divided)
			continue;
		r->parts = must_realloc(r->parts, (n + 1) * sizeof *r->parts);
		r->parts[n++] = read_part(pairs, part);
	}
	if (n > 1)
		qsort(r->parts, n, sizeof *r->parts, compare_parts);
	r->info.parts = r->parts;
	r->info.n_parts = n;
	if (!divided)
		r->info.cursor = internal_give(part_value(pairs, 0, "cursor"));
}

static void read_wish(struct internal_record *r)
{
	struct span wish = r->wish.n ? texts_at(&r->wish, 0) : span_of(NULL);
	const char *blank = wish.len ? memchr(wish.at, ' ', wish.len) : NULL;
	size_t len = blank ? (size_t)(blank - wish.at) : 0;

	if (!blank)
		return;
	r->info.pause_ms = ask_to_number((struct span){wish.at, len}, DROVER_UNKNOWN);
	r->info.reason = internal_give((struct span){blank + 1, wish.len - len - 1});
}

static int load_rest(
	struct drover_client *c, const char *jid, struct internal_record *r, struct err *err)
{
	int rc = run_read_parts(&c->in, span_of(jid), &r->part_pairs, err);

	if (rc == 0)
		rc = run_read_wish(&c->in, span_of(jid), &r->wish, err);
	if (rc == 0) {
		read_parts(r);
		read_wish(r);
	}
	return rc;
}

int internal_record_load(struct drover_client *c, const char *jid, bool whole,
	struct internal_record *r, struct drover_error *error)
{
	struct err err = {0};
	int rc;

	*r = (struct internal_record){.info = internal_blank_job()};
	rc = inspect_run(&c->in, span_of(jid), &r->pairs, &err);
	if (rc == 0 && r->pairs.n == 0)
		return 0;
	if (rc == 0)
		r->info = read_run(&r->pairs, jid);
	if (rc == 0 && whole)
		rc = load_rest(c, jid, r, &err);
	return rc < 0 ? internal_read_failed(error, rc, &err) : 1;
}

void internal_record_fini(struct internal_record *r)
{
	texts_fini(&r->pairs);
	texts_fini(&r->part_pairs);
	texts_fini(&r->wish);
	free(r->parts);
}
