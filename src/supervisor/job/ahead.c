/* ahead: see ahead.h. droverd; pure. */
#include "supervisor/job/ahead.h"

enum { SPAN_US = 20000, MOST = 64 };

void ahead_init(struct ahead *a)
{
	*a = (struct ahead){.last = &a->first};
}

void ahead_forget(struct ahead *a)
{
	a->class = NULL;
	a->mean_wall_us = 0;
}

void ahead_learn(struct ahead *a, const struct class_settings *class, int64_t wall_us)
{
	if (wall_us < 1)
		wall_us = 1;
	a->mean_wall_us = a->class == class && a->mean_wall_us > 0 && wall_us < SPAN_US
				  ? (7 * a->mean_wall_us + wall_us + 7) / 8
				  : wall_us; /* a long one is believed at once */
	a->class = class;
}

size_t ahead_room(const struct ahead *a)
{
	size_t most = a->class ? (size_t)a->class->conf->reuse : 0;

	if (most < 2 || a->mean_wall_us == 0)
		return 0;
	if (most > MOST)
		most = MOST;
	if (most > (size_t)(SPAN_US / a->mean_wall_us))
		most = (size_t)(SPAN_US / a->mean_wall_us);
	return a->n > most / 2 ? 0 : most - a->n;
}

void ahead_add(struct ahead *a, struct job *job, int64_t now_mono_ms)
{
	if (a->n++ == 0)
		a->oldest_mono_ms = now_mono_ms;
	job->next = NULL;
	*a->last = job;
	a->last = &job->next;
}

struct job *ahead_take(struct ahead *a)
{
	struct job *job = a->first;

	if (job == NULL)
		return NULL;
	a->first = job->next;
	if (a->first == NULL)
		a->last = &a->first;
	a->n--;
	job->next = NULL;
	return job;
}

bool ahead_is_overdue(const struct ahead *a, int64_t now_mono_ms)
{
	return a->first && now_mono_ms - a->oldest_mono_ms > AHEAD_OVERDUE_MS;
}
