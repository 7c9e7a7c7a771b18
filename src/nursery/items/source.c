/* nursery/items/source: which source a job's collection is, and which part of it. In the child. */
#include "nursery/items/source.h"

static const struct source *const SOURCES[] = {
	[JOB_RANGE] = &SOURCE_RANGE,
	[JOB_LINES] = &SOURCE_LINES,
	[JOB_JSON] = &SOURCE_JSON,
	[JOB_CSV] = &SOURCE_CSV,
	[JOB_PRINTED] = &SOURCE_PRINTED,
	[JOB_MEMBERS] = &SOURCE_MEMBERS,
};

const struct source *source_of(uint32_t kind, struct err *err)
{
	if (kind < sizeof SOURCES / sizeof *SOURCES && SOURCES[kind])
		return SOURCES[kind];
	err_set(err, "there is no collection of kind %u", kind);
	return NULL;
}

/* What is listed was nested before it was set aside, and is not nested again. */
const struct source *source_of_message(const struct job_message *m, struct err *err)
{
	const struct source *outer = source_of(m->collection.kind, err);

	if (m->each.flags & JOB_EACH_LISTED)
		return &SOURCE_LISTED;
	return outer && m->inner.kind ? &SOURCE_NESTED : outer;
}

struct source_args source_args(const struct job_message *m, struct span cursor, int stream)
{
	return (struct source_args){.m = m,
		.what = &m->collection,
		.path = m->path,
		.argv = m->lists[JOB_COLLECTION_ARGV],
		.cursor = cursor,
		.stream = stream};
}

/* The number of the last of `limit` items from `first` on. */
static int64_t last_of(int64_t first, int64_t limit)
{
	return limit > INT64_MAX - first ? INT64_MAX : first + limit - 1;
}

/*
 * A range has from and to in its own ends, and a command applies them itself: its first item is the
 * one of the number `from`.
 */
struct source_window source_window(const struct job_message *m, const struct source *source)
{
	const struct job_each *e = &m->each;
	int64_t from = e->from == JOB_NO_NUMBER || e->from < 1 ? 1 : e->from;
	struct source_window w;

	if (source->numbered)
		return (struct source_window){INT64_MIN, INT64_MAX};
	w.first = source == &SOURCE_RANGE ? 1 : from;
	w.last = last_of(w.first, e->limit);
	if (source != &SOURCE_RANGE && source != &SOURCE_PRINTED && e->to < w.last)
		w.last = e->to;
	return w;
}
