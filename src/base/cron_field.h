/* cron_field: one field of a cron text as a set. Internal to cron. */
#ifndef DROVER_BASE_CRON_FIELD_H
#define DROVER_BASE_CRON_FIELD_H

#include "base/cron.h"

enum cron_field {
	CRON_SECONDS,
	CRON_MINUTES,
	CRON_HOURS,
	CRON_DAYS,
	CRON_MONTHS,
	CRON_WEEKDAYS,
	CRON_FIELDS
};

struct cron_set {
	uint64_t values;
	uint64_t from_end; /* of the days: bit 1 is the last of the month */
	bool any;	   /* a star, or as good as one */
};

/* Any but CRON_WEEKDAYS. -1 with a sentence, "has ...". */
int cron_field_read(struct cron_set *set, enum cron_field which, struct span text, struct err *err);

/* Sets the members of `c` that are about days of the week. */
int cron_field_read_weekdays(struct cron *c, struct span text, struct err *err);

#endif
