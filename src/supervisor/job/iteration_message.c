/* iteration_message: see iteration_message.h. droverd; reads no file but that of a password. */
#include "supervisor/job/iteration_message.h"
#include "base/log.h"

enum { BOUNDS_MOST = 256 };

static uint32_t flags_of(const struct iteration *it, const struct job *j)
{
	uint32_t flags = 0;

	flags |= it->first ? JOB_EACH_FIRST : 0;
	flags |= !it->planned && job_part(j) == 0 && !job_is_retry(j) ? JOB_EACH_PLAN : 0;
	flags |= job_part(j) > 0 ? JOB_EACH_PART : 0;
	flags |= job_part(j) == ENVELOPE_END ? JOB_EACH_COMPLETE : 0;
	flags |= job_is_retry(j) ? JOB_EACH_RETRY : 0;
	flags |= log_wants(LOG_DEBUG) ? JOB_EACH_TRACE : 0;
	return flags;
}

/* What failed before is set aside again, whatever the class does at first. */
static void be_retry(struct job_each *e)
{
	e->from = e->to = e->limit = JOB_NO_NUMBER;
	e->on_item_error = JOB_ITEM_SKIP;
	e->batch = 1;
}

static int find_stream(struct each_message *m, const struct job *j, struct err *err)
{
	const struct conf_redis *ours = &j->settings->conf->redis;
	const struct span csv = {j->envelope.csv.data, j->envelope.csv.len};
	int rc;

	if (csv.len > 0 && !job_is_retry(j))
		return each_message_take(m, ours, STREAM_CSV, csv, err);
	if (!job_is_retry(j))
		return each_message_take_from_class(m, j->class->conf, err);
	m->source.each.flags |= JOB_EACH_LISTED;
	rc = each_message_take(m, ours, STREAM_ASIDE, job_run(j), err);
	m->stream.round = j->envelope.retry;
	return rc;
}

int iteration_message_init(
	struct each_message *m, const struct iteration *it, const struct job *j, struct err *err)
{
	const struct each_asked asked = {.args = j->envelope.args,
		.from = j->envelope.from,
		.to = j->envelope.to,
		.limit = j->envelope.limit,
		.uploaded = j->envelope.csv.len > 0};
	struct job_each *e = &m->source.each;

	if (each_message_init(m, j->class->conf, &asked, err) < 0)
		return -1;
	e->flags |= flags_of(it, j);
	e->bounds = iteration_parts_wanted(j) > 1 ? BOUNDS_MOST : 0;
	if (job_is_retry(j))
		be_retry(e);
	iteration_message_refresh(m, it);
	return find_stream(m, j, err);
}

void iteration_message_refresh(struct each_message *m, const struct iteration *it)
{
	struct job_each *e = &m->source.each;

	if (it->planned)
		e->flags &= ~(uint32_t)JOB_EACH_PLAN;
	if (!it->first)
		e->flags &= ~(uint32_t)JOB_EACH_FIRST;
	e->number = it->number;
	e->done = it->done;
	e->errors = e->flags & JOB_EACH_RETRY ? 0 : it->errors;
	e->run_errors = e->flags & JOB_EACH_RETRY ? 0 : it->run_errors;
	e->tried_number = it->item;
	e->tries = it->tries;
	m->source.died = (struct span){it->died.len ? it->died.data : NULL, it->died.len};
}
