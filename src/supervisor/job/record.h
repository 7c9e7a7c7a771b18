/*
 * record: what the run record of a job is told at a step of its way: fields, and one line of its
 * audit. For jobs that have no record all of it is empty.
 */
#ifndef DROVER_SUPERVISOR_RECORD_H
#define DROVER_SUPERVISOR_RECORD_H

#include "base/clock.h"
#include "queue/verbs.h"
#include "supervisor/job/job.h"

enum { RECORD_FIELDS_MAX = 24, RECORD_NUMBERS_MAX = 8 };

struct record {
	bool kept; /* the job has a record */
	struct span pairs[2 * RECORD_FIELDS_MAX];
	size_t n;
	struct text audit;
	char numbers[RECORD_NUMBERS_MAX][24];
	size_t n_numbers;
	char now[CLOCK_TEXT_SIZE], then[CLOCK_TEXT_SIZE];
};

/*
 * Begins with the audit's line {"at":NOW,"what":WHAT,"attempt":N,"worker":..,"detail":..}; worker and
 * detail are left out where they are empty. A kept record must be told to record_fini.
 */
void record_init(struct record *r, const struct job *j, const char *what, struct span worker,
	struct span detail);
void record_fini(struct record *r);

/* The value must stay; one that is empty is left out. */
void record_add(struct record *r, const char *field, struct span value);
void record_add_number(struct record *r, const char *field, int64_t n);
void record_add_now(struct record *r, const char *field);
void record_add_time(struct record *r, const char *field, int64_t wall_ms); /* once a record */

struct verbs_record record_view(const struct record *r); /* good while `r` is */

#endif
