/* client/queues: queues as libdrover tells of them; see include/drover/client.h. */
#include <string.h>

#include "base/clock.h"
#include "client/internal.h"
#include "queue/envelope.h"
#include "queue/operate.h"
#include "queue/waiting.h"

/* What is read once for all queues. */
struct around {
	struct texts pauses; /* pairs queue, reason */
	bool all_paused;
	struct waiting_counts held;
};

static int around_load(struct drover_client *c, struct around *a, struct err *err)
{
	int rc = inspect_paused(&c->in, &a->pauses, &a->all_paused, err);

	return rc < 0 ? rc : waiting_count(&c->in, &a->held, err);
}

static void around_fini(struct around *a)
{
	texts_fini(&a->pauses);
	waiting_counts_fini(&a->held);
}

static bool find_pause(const struct around *a, struct span queue, struct span *reason)
{
	struct span everything = SPAN_LIT("");

	for (size_t i = 0; i + 1 < a->pauses.n; i += 2) {
		struct span name = texts_at(&a->pauses, i);

		if (name.len == queue.len && memcmp(name.at, queue.at, name.len) == 0) {
			*reason = texts_at(&a->pauses, i + 1);
			return true;
		}
		if (span_is(name, "*"))
			everything = texts_at(&a->pauses, i + 1);
	}
	*reason = everything;
	return a->all_paused;
}

/* The age of the first job, where it says when it was enqueued. */
static int read_oldest(
	struct drover_client *c, struct span queue, long long *oldest_ms, struct err *err)
{
	struct texts first = {0};
	struct envelope e = {0};
	struct err unreadable;
	int rc = inspect_queue_part(&c->in, queue, 0, 1, &first, err);

	*oldest_ms = DROVER_UNKNOWN;
	if (rc == 0 && first.n > 0) {
		if (envelope_read(&e, texts_at(&first, 0), &unreadable) == 0 && e.at_ms > 0) {
			int64_t age = clock_wall_ms() - e.at_ms;

			*oldest_ms = age > 0 ? age : 0;
		}
		envelope_fini(&e);
	}
	texts_fini(&first);
	return rc;
}

/* A key of another type in the place of a queue hides nothing but its own size. */
static int measure(
	struct drover_client *c, struct span name, struct drover_queue_info *q, struct err *err)
{
	int64_t size = DROVER_UNKNOWN;
	int rc = inspect_queue_size(&c->in, name, &size, err);

	q->size = size;
	q->oldest_ms = DROVER_UNKNOWN;
	if (rc == 0)
		rc = read_oldest(c, name, &q->oldest_ms, err);
	return rc == ASK_WRONG_TYPE ? 0 : rc;
}

static int tell_queue(struct drover_client *c, const struct around *around, struct span name,
	drover_queue_fn *fn, void *ctx, struct err *err)
{
	struct drover_queue_info q = {.name = internal_give(name)};
	const struct waiting_count *held = waiting_counts_find(&around->held, name);
	struct span reason;
	int rc = measure(c, name, &q, err);

	if (rc < 0)
		return rc;
	q.paused = find_pause(around, name, &reason);
	q.reason = internal_give(reason);
	q.delayed = held ? held->delayed : 0;
	q.parked = held ? held->parked : 0;
	q.paused_jobs = held ? held->paused : 0;
	fn(ctx, &q);
	return 0;
}

static bool holds(const struct texts *names, struct span name, size_t step)
{
	for (size_t i = 0; i < names->n; i += step) {
		struct span one = texts_at(names, i);

		if (one.len == name.len && memcmp(one.at, name.at, name.len) == 0)
			return true;
	}
	return false;
}

static void add_held(struct texts *names, const struct waiting_counts *held)
{
	for (size_t i = 0; i < held->n; i++) {
		struct span name = {held->items[i].queue.data, held->items[i].queue.len};

		if (!holds(names, name, 1))
			texts_add(names, name);
	}
	texts_sort(names);
}

int drover_queue_each(
	struct drover_client *c, drover_queue_fn *fn, void *ctx, struct drover_error *error)
{
	struct texts names = {0};
	struct around around = {0};
	struct err err = {0};
	int rc = inspect_queues(&c->in, &names, &err);

	if (rc == 0)
		rc = around_load(c, &around, &err);
	if (rc == 0)
		add_held(&names, &around.held);
	for (size_t i = 0; rc == 0 && i < names.n; i++)
		rc = tell_queue(c, &around, texts_at(&names, i), fn, ctx, &err);
	texts_fini(&names);
	around_fini(&around);
	return rc < 0 ? internal_read_failed(error, rc, &err) : 0;
}

int drover_queue_find(struct drover_client *c, const char *queue, drover_queue_fn *fn, void *ctx,
	struct drover_error *error)
{
	struct span name = span_of(queue);
	struct texts names = {0};
	struct around around = {0};
	struct err err = {0};
	int64_t size = 0;
	bool known = false;
	int rc = inspect_queues(&c->in, &names, &err);

	if (rc == 0)
		rc = around_load(c, &around, &err);
	if (rc == 0)
		rc = inspect_queue_size(&c->in, name, &size, &err);
	if (rc == 0 || rc == ASK_WRONG_TYPE) {
		known = size > 0 || holds(&names, name, 1) || holds(&around.pauses, name, 2) ||
			waiting_counts_find(&around.held, name);
		rc = 0;
		if (known)
			rc = tell_queue(c, &around, name, fn, ctx, &err);
	}
	texts_fini(&names);
	around_fini(&around);
	if (rc < 0)
		return internal_read_failed(error, rc, &err);
	return known ? 0 : internal_fail(error, DROVER_E_NOT_FOUND, "no queue %s", queue);
}

/* -- what an operator does ----------------------------------------------------------------- */

static int check_name(const char *name, struct drover_error *error)
{
	if (!*name)
		return internal_fail(error, DROVER_E_INVALID, "a queue has a name");
	if (strcmp(name, "*") == 0)
		return internal_fail(
			error, DROVER_E_INVALID, "* is no queue: it would stand for all of them");
	return 0;
}

int drover_queue_pause(
	struct drover_client *c, const char *name, const char *reason, struct drover_error *error)
{
	struct err err = {0};
	int rc;

	if (check_name(name, error) < 0)
		return -1;
	rc = operate_pause(&c->in, span_of(name), span_of(reason ? reason : ""), &err);
	return rc < 0 ? internal_write_failed(error, rc, &err, "it was paused") : 0;
}

int drover_queue_resume(struct drover_client *c, const char *name, struct drover_error *error)
{
	struct err err = {0};
	int rc;

	if (check_name(name, error) < 0)
		return -1;
	rc = operate_resume(&c->in, span_of(name), &err);
	return rc < 0 ? internal_write_failed(error, rc, &err, "it was resumed") : rc;
}

int drover_pause_all(struct drover_client *c, const char *reason, struct drover_error *error)
{
	struct err err = {0};
	int rc = operate_pause(&c->in, SPAN_LIT("*"), span_of(reason ? reason : ""), &err);

	return rc < 0 ? internal_write_failed(error, rc, &err, "everything was paused") : 0;
}

int drover_resume_all(struct drover_client *c, struct drover_error *error)
{
	struct err err = {0};
	int rc = operate_resume(&c->in, SPAN_LIT("*"), &err);

	return rc < 0 ? internal_write_failed(error, rc, &err, "everything was resumed") : rc;
}

long long drover_queue_clear(struct drover_client *c, const char *name, struct drover_error *error)
{
	struct err err = {0};
	int64_t gone = 0;
	const struct operate_clear how = {.queue = span_of(name),
		.now_ms = clock_wall_ms(),
		.runs_kept_ms = c->runs_kept_ms,
		.ids_kept_ms = c->ids_kept_ms};
	int rc = operate_clear(&c->in, &how, &gone, &err);

	return rc < 0 ? internal_write_failed(error, rc, &err, "all of it was cleared") : gone;
}
