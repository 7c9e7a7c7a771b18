/*
 * schedule: what the configuration wants enqueued by the clock. Every supervisor looks; the script
 * `fire` lets each nominal time fire once over all of them.
 */
#ifndef DROVER_SUPERVISOR_SCHEDULE_H
#define DROVER_SUPERVISOR_SCHEDULE_H

#include "queue/verbs.h"
#include "supervisor/settings.h"

struct schedule;

struct schedule *schedule_new(struct verbs *verbs);
void schedule_free(struct schedule *s);

/* From now on these hold. */
void schedule_configure(struct schedule *s, struct settings *settings);

/* Fires what is due by Redis's clock. */
void schedule_look(struct schedule *s, int64_t now_ms);

/*
 * Pure: the nominal time to fire next, after `last_s`, at `now_s`; -1: none is due. Those
 * up to `missed_s` were missed: with `none` they are left out, with `last` the latest is made up,
 * with `all` each.
 */
int64_t schedule_due(
	const struct conf_schedule *c, int64_t last_s, int64_t now_s, int64_t missed_s);

#endif
