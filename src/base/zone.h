/*
 * zone: by how much the clocks of a named time zone differ from UTC, and until when.
 *
 * libc knows the rules; it is asked by switching TZ, which is put back at once. That costs some
 * 50 microseconds (a file is read), so each zone remembers what it was told: stretches of up to
 * half a year, 64 of them. A hundred schedules looked at every minute cost no call of libc's. Not for programs with threads: TZ belongs to all of them.
 */
#ifndef DROVER_BASE_ZONE_H
#define DROVER_BASE_ZONE_H

#include <stdint.h>

#include "base/err.h"

#define ZONE_NAME_MAX 64 /* with its NUL */

struct zone;

/* In [from, until) local time is UTC plus offset_s. `from` need not be a change of the clocks. */
struct zone_stretch {
	int64_t from, until; /* seconds since 1970 in UTC */
	int64_t offset_s;
};

/*
 * The zone of this name: "UTC", a name of the time zone database such as "Europe/Berlin", or an
 * offset, "+05:30" or "-0800". It is kept for as long as the process lives, and the same name gives
 * the same zone. Being asked for again it forgets what libc said, so that a reload takes in new
 * rules. NULL with a sentence that goes on from the name: "is no ...".
 */
struct zone *zone_find(const char *name, struct err *err);

const char *zone_name(const struct zone *z);

/* The stretch that `epoch_s` lies in. */
struct zone_stretch zone_stretch_at(struct zone *z, int64_t epoch_s);

#endif
