/*
 * A cron text and a time: what is refused has a sentence; the next time lies ahead, is found again
 * from just before it and from anywhere between, in time that is bounded. The first eight bytes
 * are the time and the zone.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/cron.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *const ZONES[] = {"UTC", "America/New_York", "Australia/Lord_Howe",
	"Africa/Casablanca", "Europe/Dublin", "+05:30", "-0800", "Pacific/Apia"};

static void must_be(int fine)
{
	if (!fine)
		abort();
}

static void check_times(const struct cron *c, struct zone *zone, int64_t after)
{
	int64_t next = after;

	for (int i = 0; i < 3; i++) {
		int64_t from = next;

		next = cron_next(c, zone, from);
		if (next == -1)
			return;
		must_be(next > from);
		must_be(cron_next(c, zone, next - 1) == next);
		must_be(cron_next(c, zone, from + (next - from) / 2) == next || next == from + 1);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct err err = {.text = ""};
	struct zone *zone;
	struct cron c;
	uint64_t when;

	if (size < sizeof when)
		return 0;
	memcpy(&when, data, sizeof when);
	zone = zone_find(ZONES[when % 8], &err);
	must_be(zone != NULL);
	if (cron_parse(&c, (struct span){(const char *)data + 8, size - 8}, &err) < 0) {
		must_be(*err.text && utf8_valid(span_of(err.text)));
		return 0;
	}
	must_be(!*c.zone || zone_find(c.zone, &err) || *err.text);
	check_times(&c, zone, (int64_t)(when / 8 % UINT64_C(8000000000)) - 1000000000);
	return 0;
}
