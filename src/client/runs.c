/* client/runs: runs as they are listed, their errors and their output; see include/drover/client.h. */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/must.h"
#include "client/internal.h"
#include "queue/run_read.h"
#include "queue/run_state.h"

#define READ_AT_ONCE 200

/* -- the list ------------------------------------------------------------------------------ */

static bool is_wanted(const struct drover_job_info *info, const struct drover_run_filter *f)
{
	if (f && f->state && !span_is(internal_span(info->state), f->state))
		return false;
	return !f || !f->class_name || span_is(internal_span(info->class_name), f->class_name);
}

/* 1: it was told of. What has no record any more is left out. */
static int tell_run(struct drover_client *c, struct span jid, const struct drover_run_filter *f,
	drover_job_fn *fn, void *ctx, struct drover_error *error)
{
	char *name = must_strndup(jid.at, jid.len);
	struct internal_record r;
	int rc = internal_record_load(c, name, true, &r, error);

	if (rc == 1 && is_wanted(&r.info, f))
		fn(ctx, &r.info);
	else if (rc == 1)
		rc = 0;
	internal_record_fini(&r);
	free(name);
	return rc;
}

int drover_run_each(struct drover_client *c, const struct drover_run_filter *filter,
	long long limit, drover_job_fn *fn, void *ctx, struct drover_error *error)
{
	struct texts jids = {0};
	struct err err = {0};
	int rc = 0;

	if (filter && filter->state && run_state_read(span_of(filter->state)) == RUN_UNKNOWN)
		return internal_fail(
			error, DROVER_E_INVALID, "%s is no state of a run", filter->state);
	for (int64_t from = 0; rc >= 0 && limit > 0; from += READ_AT_ONCE) {
		rc = run_read_list(&c->in, from, READ_AT_ONCE, &jids, &err);
		if (rc < 0)
			rc = internal_read_failed(error, rc, &err);
		for (size_t i = 0; rc >= 0 && limit > 0 && i < jids.n; i++) {
			rc = tell_run(c, texts_at(&jids, i), filter, fn, ctx, error);
			limit -= rc == 1;
		}
		if (jids.n < READ_AT_ONCE)
			break;
	}
	texts_fini(&jids);
	return rc < 0 ? -1 : 0;
}

/* -- items that failed --------------------------------------------------------------------- */

struct aside {
	long long number;
	struct span json;
};

static int compare_asides(const void *a, const void *b)
{
	const struct aside *x = a, *y = b;

	return (x->number > y->number) - (x->number < y->number);
}

static struct drover_text text_of(const json_t *object, const char *name)
{
	const json_t *value = json_object_get(object, name);

	if (!json_is_string(value))
		return internal_give(span_of(NULL));
	return internal_give((struct span){json_string_value(value), json_string_length(value)});
}

static long long number_of(const json_t *object, const char *name)
{
	const json_t *value = json_object_get(object, name);

	return json_is_integer(value) ? (long long)json_integer_value(value) : DROVER_UNKNOWN;
}

static long long time_of(const json_t *object)
{
	long long ms = number_of(object, "at");

	return ms >= 0 ? ms : internal_time(internal_span(text_of(object, "at")));
}

/* A cursor may have been any bytes: they are read as U+FFFD. */
static void tell_aside(const struct aside *a, drover_item_error_fn *fn, void *ctx)
{
	struct text utf8 = {0}, item = {0};
	struct drover_item_error e;
	json_t *tree;
	char *dump;

	text_add_utf8(&utf8, a->json);
	tree = json_loadb(utf8.data ? utf8.data : "", utf8.len, JSON_ALLOW_NUL, NULL);
	dump = json_dumps(json_object_get(tree, "item"), JSON_COMPACT | JSON_ENCODE_ANY);
	if (dump)
		text_add_str(&item, dump);
	else
		text_add_int(&item, a->number);
	e = (struct drover_item_error){.number = a->number,
		.item = internal_give_text(&item),
		.cursor = text_of(tree, "cursor"),
		.error = text_of(tree, "error"),
		.attempts = number_of(tree, "attempts"),
		.at_ms = time_of(tree),
		.round = number_of(tree, "round") > 0 ? number_of(tree, "round") : 0};
	if (!tree)
		e.error = internal_give_text(&utf8);
	fn(ctx, &e);
	free(dump);
	json_decref(tree);
	text_fini(&utf8);
	text_fini(&item);
}

static void tell_asides(const struct texts *pairs, drover_item_error_fn *fn, void *ctx)
{
	struct aside *all = must_alloc((pairs->n / 2 + 1) * sizeof *all);
	size_t n = 0;

	for (size_t i = 0; i + 1 < pairs->n; i += 2)
		all[n++] = (struct aside){.number = ask_to_number(texts_at(pairs, i), 0),
			.json = texts_at(pairs, i + 1)};
	qsort(all, n, sizeof *all, compare_asides);
	for (size_t i = 0; i < n; i++)
		if (i == 0 || all[i].number != all[i - 1].number) /* SCAN may tell one twice */
			tell_aside(&all[i], fn, ctx);
	free(all);
}

/* Whoever asks for what hangs on a run wants to know that there is none. */
static int check_run(struct drover_client *c, const char *jid, struct drover_error *error)
{
	struct texts pairs = {0};
	struct err err = {0};
	int rc;

	if (!envelope_jid_valid(span_of(jid)))
		return internal_fail(
			error, DROVER_E_NOT_FOUND, "%s cannot be the id of a job", jid);
	rc = inspect_run(&c->in, span_of(jid), &pairs, &err);
	if (rc < 0)
		rc = internal_read_failed(error, rc, &err);
	else if (pairs.n == 0)
		rc = internal_fail(error, DROVER_E_NOT_FOUND, "no record of a run %s", jid);
	texts_fini(&pairs);
	return rc;
}

int drover_run_errors(struct drover_client *c, const char *jid, drover_item_error_fn *fn, void *ctx,
	struct drover_error *error)
{
	struct texts pairs = {0};
	struct err err = {0};
	int rc = check_run(c, jid, error);

	if (rc < 0)
		return rc;
	rc = run_read_errors(&c->in, span_of(jid), &pairs, &err);
	if (rc < 0)
		rc = internal_read_failed(error, rc, &err);
	else
		tell_asides(&pairs, fn, ctx);
	texts_fini(&pairs);
	return rc;
}

/* -- output -------------------------------------------------------------------------------- */

#define LINES_AT_ONCE 500

struct telling {
	drover_log_fn *fn;
	void *ctx;
	char *at;
};

/* An id is "MS-N". */
static long long line_time(struct span id)
{
	const char *dash = id.len ? memchr(id.at, '-', id.len) : NULL;

	return ask_to_number(
		(struct span){id.at, dash ? (size_t)(dash - id.at) : 0}, DROVER_UNKNOWN);
}

static void tell_line(void *ctx, const struct run_line *line)
{
	struct telling *t = ctx;
	const struct drover_log_line told = {.at_ms = line_time(line->id),
		.part = ask_to_number(line->part, 0),
		.text = internal_give(line->text)};

	snprintf(t->at, DROVER_LOG_AT_SIZE, "%.*s", (int)line->id.len, line->id.at);
	t->fn(t->ctx, &told);
}

long long drover_run_log(struct drover_client *c, const char *jid, char at[DROVER_LOG_AT_SIZE],
	long long wait_ms, drover_log_fn *fn, void *ctx, struct drover_error *error)
{
	struct telling t = {.fn = fn, .ctx = ctx, .at = at};
	long long n = 0, most_ms = c->options.command_timeout_ms / 2;
	struct err err = {0};
	int rc = *at ? 0 : check_run(c, jid, error);

	if (rc < 0)
		return rc;
	if (!*at)
		snprintf(at, DROVER_LOG_AT_SIZE, "0");
	do {
		rc = run_read_log(&c->in, span_of(jid), at, LINES_AT_ONCE,
			n == 0 && wait_ms > 0 ? (wait_ms < most_ms ? wait_ms : most_ms) : 0,
			tell_line, &t, &err);
		n += rc > 0 ? rc : 0;
	} while (rc == LINES_AT_ONCE);
	return rc < 0 ? internal_read_failed(error, rc, &err) : n;
}
