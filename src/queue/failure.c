/* queue/failure: see failure.h. Runs in droverd; pure. */
#include "queue/failure.h"
#include "base/clock.h"

#include <string.h>

static void add_member(struct text *out, const char *name, struct span value)
{
	text_addf(out, ",\"%s\":", name);
	text_add_json(out, value);
}

static void add_payload(struct text *out, const struct failure *f)
{
	text_add_str(out, ",\"payload\":");
	if (f->payload_readable)
		text_add_span(out, f->payload);
	else
		text_add_json(out, f->payload);
}

static void add_lines(struct text *out, struct span lines)
{
	const char *p = lines.at, *end = lines.at + lines.len;
	bool any = false;

	text_add_char(out, '[');
	while (p < end) {
		const char *stop = memchr(p, '\n', (size_t)(end - p));
		size_t n = (size_t)((stop ? stop : end) - p);

		if (n > 0 && p[n - 1] == '\r')
			n--;
		if (n > 0) {
			if (any)
				text_add_char(out, ',');
			text_add_json(out, (struct span){p, n});
			any = true;
		}
		p = stop ? stop + 1 : end;
	}
	text_add_char(out, ']');
}

void failure_write(struct text *out, const struct failure *f)
{
	char when[CLOCK_TEXT_SIZE];

	text_add_str(out, "{\"failed_at\":");
	text_add_json(out, span_of(clock_resque_failed(f->failed_at_ms, when)));
	add_payload(out, f);
	add_member(out, "exception", f->exception);
	add_member(out, "error", f->error);
	text_add_str(out, ",\"backtrace\":");
	if (f->backtrace_json.at)
		text_add_span(out, f->backtrace_json);
	else
		add_lines(out, f->backtrace_lines);
	add_member(out, "worker", f->worker);
	add_member(out, "queue", f->queue);
	if (!f->payload_readable && !utf8_valid(f->payload)) {
		text_add_str(out, ",\"payload_base64\":\"");
		text_add_base64(out, f->payload);
		text_add_char(out, '"');
	}
	text_add_char(out, '}');
}
