/* record: see record.h. droverd. */
#include "supervisor/job/record.h"
#include "base/must.h"

#include <stdio.h>

static void add_text(struct text *out, const char *name, struct span value)
{
	if (value.len == 0)
		return;
	text_addf(out, ",\"%s\":", name);
	text_add_json(out, value);
}

void record_init(struct record *r, const struct job *j, const char *what, struct span worker,
	struct span detail)
{
	r->kept = job_is_tracked(j);
	r->n = r->n_numbers = 0;
	r->audit = (struct text){0};
	if (!r->kept)
		return;
	clock_rfc3339(clock_wall_ms(), r->now);
	text_addf(&r->audit, "{\"at\":\"%s\",\"what\":\"%s\",\"attempt\":%lld", r->now, what,
		(long long)j->envelope.attempt);
	if (job_part(j) != 0)
		text_addf(&r->audit, ",\"part\":%lld", (long long)job_part(j));
	add_text(&r->audit, "worker", worker);
	add_text(&r->audit, "detail", detail);
	text_add_char(&r->audit, '}');
}

void record_fini(struct record *r)
{
	text_fini(&r->audit);
}

void record_add(struct record *r, const char *field, struct span value)
{
	if (!r->kept || value.len == 0)
		return;
	must(r->n + 2 <= 2 * RECORD_FIELDS_MAX);
	r->pairs[r->n++] = span_of(field);
	r->pairs[r->n++] = value;
}

void record_add_number(struct record *r, const char *field, int64_t n)
{
	char *out = r->numbers[r->n_numbers];

	if (!r->kept)
		return;
	must(r->n_numbers < RECORD_NUMBERS_MAX);
	r->n_numbers++;
	snprintf(out, sizeof r->numbers[0], "%lld", (long long)n);
	record_add(r, field, span_of(out));
}

void record_add_now(struct record *r, const char *field)
{
	if (r->kept)
		record_add(r, field, span_of(r->now));
}

void record_add_time(struct record *r, const char *field, int64_t wall_ms)
{
	if (r->kept)
		record_add(r, field, span_of(clock_rfc3339(wall_ms, r->then)));
}

struct verbs_record record_view(const struct record *r)
{
	if (!r->kept)
		return (struct verbs_record){{"", 0}, NULL, 0};
	return (struct verbs_record){{r->audit.data, r->audit.len}, r->pairs, r->n};
}
