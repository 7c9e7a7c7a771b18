/* client/failed: the failed list; see include/drover/client.h. */
#include <string.h>

#include "client/internal.h"
#include "queue/failed.h"

#define READ_AT_ONCE 100

static struct drover_failed_info make_info(
	const struct failed_record *r, struct span bytes, int64_t index, bool readable)
{
	return (struct drover_failed_info){.index = index,
		.record = internal_give(bytes),
		.readable = readable,
		.failed_at = internal_give_text(&r->failed_at),
		.exception = internal_give_text(&r->exception),
		.error = internal_give_text(&r->error),
		.worker = internal_give_text(&r->worker),
		.queue = internal_give_text(&r->queue),
		.payload = internal_give(r->payload),
		.backtrace = internal_give(r->backtrace),
		.jid = internal_give_text(&r->jid),
		.class_name = internal_give_text(&r->class_name),
		.args = internal_give(r->args)};
}

static bool is_text(struct drover_text have, const char *want)
{
	return !want || span_is(internal_span(have), want);
}

static bool holds_text(struct drover_text have, const char *part)
{
	return memmem(have.at, have.len, part, strlen(part)) != NULL;
}

/* `run`: what is due when all parts of a run are done is a job of its own, and the run's for whoever asks. */
static bool passes(const struct drover_failed_filter *f, const struct drover_failed_info *info,
	struct drover_text run)
{
	if (!f)
		return true;
	return is_text(info->class_name, f->class_name) && is_text(info->queue, f->queue) &&
	       (is_text(info->jid, f->jid) || is_text(run, f->jid)) &&
	       (!f->error || holds_text(info->error, f->error) ||
		       holds_text(info->exception, f->error));
}

static enum drover_next tell_record(struct span bytes, int64_t index,
	const struct drover_failed_filter *filter, drover_failed_fn *fn, void *ctx)
{
	struct failed_record r;
	bool readable = failed_read(&r, bytes) == 0;
	struct drover_failed_info info = make_info(&r, bytes, index, readable);
	enum drover_next next =
		passes(filter, &info, internal_give_text(&r.run)) ? fn(ctx, &info) : DROVER_GO_ON;

	failed_fini(&r);
	return next;
}

/*
 * `left` is counted down from the length at the beginning, so that a job which fails again while
 * we retry is not met twice. What the callback took out moves the rest forward.
 */
int drover_failed_each(struct drover_client *c, const struct drover_failed_filter *filter,
	drover_failed_fn *fn, void *ctx, struct drover_error *error)
{
	struct texts part = {0};
	struct err err = {0};
	enum drover_next next = DROVER_GO_ON;
	int64_t left = 0, from = 0, index = 0;
	int rc = inspect_failed_size(&c->in, &left, &err);

	while (rc == 0 && left > 0 && next != DROVER_STOP) {
		rc = inspect_failed_part(
			&c->in, from, left < READ_AT_ONCE ? left : READ_AT_ONCE, &part, &err);
		if (rc < 0 || part.n == 0)
			break;
		left -= (int64_t)part.n;
		for (size_t i = 0; i < part.n && next != DROVER_STOP; i++) {
			next = tell_record(texts_at(&part, i), index++, filter, fn, ctx);
			from += next == DROVER_GO_ON;
		}
	}
	texts_fini(&part);
	return rc < 0 ? internal_read_failed(error, rc, &err) : 0;
}

int drover_failed_at(struct drover_client *c, long long index, drover_failed_fn *fn, void *ctx,
	struct drover_error *error)
{
	struct texts one = {0};
	struct err err = {0};
	int rc;

	if (index < 0)
		return internal_fail(error, DROVER_E_INVALID, "records are counted from 0");
	rc = inspect_failed_part(&c->in, index, 1, &one, &err);
	if (rc < 0) {
		internal_read_failed(error, rc, &err);
	} else if (one.n == 0) {
		rc = internal_fail(error, DROVER_E_NOT_FOUND, "no failed record %lld", index);
	} else {
		tell_record(texts_at(&one, 0), index, NULL, fn, ctx);
	}
	texts_fini(&one);
	return rc < 0 ? -1 : 0;
}

int drover_failed_remove(
	struct drover_client *c, struct drover_text record, struct drover_error *error)
{
	struct err err = {0};
	int rc = failed_remove(&c->in, internal_span(record), &err);

	return rc < 0 ? internal_write_failed(error, rc, &err, "it was removed") : rc;
}

int drover_failed_retry(struct drover_client *c, struct drover_text record,
	char jid[DROVER_JID_SIZE], struct drover_error *error)
{
	struct err err = {0};
	int rc = failed_retry(&c->in, internal_span(record), c->by, jid, &err);

	if (rc == FAILED_NO_JOB)
		return internal_fail(error, DROVER_E_REFUSED, "%s", err.text);
	return rc < 0 ? internal_write_failed(error, rc, &err, "it was put back") : rc;
}

long long drover_failed_clear(struct drover_client *c, struct drover_error *error)
{
	struct err err = {0};
	int64_t gone = 0;
	int rc = failed_clear(&c->in, &gone, &err);

	return rc < 0 ? internal_write_failed(error, rc, &err, "the list was cleared") : gone;
}
