/* output: see output.h. droverd. */
#include "supervisor/job/output.h"
#include "base/log.h"

#include <string.h>

enum { LINES_PER_SECOND = 100, LINE_MAX_BYTES = 8192, BYTES_PER_SECOND = 131072 };

static void forget_oldest(struct output *o, size_t n)
{
	const char *p = o->kept.data, *end = p + o->kept.len;

	o->n_kept -= n;
	while (n-- > 0)
		p = (const char *)memchr(p, '\n', (size_t)(end - p)) + 1;
	text_drop_front(&o->kept, (size_t)(p - o->kept.data));
}

/*
 * For the run's own log: the last ones, as many as Redis shall be asked to keep at a time. Twice as many
 * are had, so that not each line moves all others.
 */
static void keep_line(struct output *o, struct span line)
{
	if (!o->keeps)
		return;
	if (o->n_kept >= 2 * (size_t)OUTPUT_KEPT_MAX)
		forget_oldest(o, OUTPUT_KEPT_MAX);
	if (line.len > OUTPUT_KEPT_LINE_MAX)
		line.len = OUTPUT_KEPT_LINE_MAX;
	text_add_utf8(&o->kept, line);
	text_add_char(&o->kept, '\n');
	o->n_kept++;
}

struct text output_take_kept(struct output *o, size_t *n)
{
	struct text kept;

	if (o->n_kept > OUTPUT_KEPT_MAX)
		forget_oldest(o, o->n_kept - OUTPUT_KEPT_MAX);
	kept = o->kept;
	*n = o->n_kept;
	o->kept = (struct text){0};
	o->n_kept = 0;
	return kept;
}

static void log_line(struct output *o, struct span line, struct span jid, int64_t now_ms)
{
	keep_line(o, line);
	if (!log_wants(LOG_INFO))
		return;
	if (o->second != now_ms / 1000) {
		o->second = now_ms / 1000;
		o->lines_this_second = 0;
		o->bytes_this_second = 0;
	}
	if (line.len > LINE_MAX_BYTES)
		line.len = LINE_MAX_BYTES; /* its tail is in the failure record */
	o->bytes_this_second += (int64_t)line.len;
	if (o->lines_this_second++ >= LINES_PER_SECOND || o->bytes_this_second > BYTES_PER_SECOND) {
		o->suppressed++;
		return;
	}
	log_event(LOG_INFO, "job.output", LOG_SPAN("jid", jid), LOG_STR("stream", "output"),
		LOG_SPAN("line", line));
}

static void split_lines(struct output *o, struct span bytes, struct span jid, int64_t now_ms)
{
	const char *p = bytes.at, *end = p + bytes.len;

	while (p < end) {
		const char *stop = memchr(p, '\n', (size_t)(end - p));

		if (stop == NULL) {
			text_add(&o->partial, p, (size_t)(end - p));
			break;
		}
		if (o->partial.len > 0) {
			text_add(&o->partial, p, (size_t)(stop - p));
			log_line(o, (struct span){o->partial.data, o->partial.len}, jid, now_ms);
			text_clear(&o->partial);
		} else {
			log_line(o, (struct span){p, (size_t)(stop - p)}, jid, now_ms);
		}
		p = stop + 1;
	}
	if (o->partial.len > LINE_MAX_BYTES) {
		log_line(o, (struct span){o->partial.data, o->partial.len}, jid, now_ms);
		text_fini(&o->partial);
	}
}

void output_add(
	struct output *o, struct span bytes, size_t keep_bytes, struct span jid, int64_t now_ms)
{
	split_lines(o, bytes, jid, now_ms);
	if (keep_bytes == 0)
		return;
	text_add_span(&o->tail, bytes);
	if (o->tail.len > 2 * keep_bytes + 1) /* one byte more tells whether a line begins there */
		text_drop_front(&o->tail, o->tail.len - keep_bytes - 1);
}

void output_end(struct output *o, struct span jid)
{
	if (o->partial.len > 0)
		log_line(o, (struct span){o->partial.data, o->partial.len}, jid, o->second * 1000);
	if (o->suppressed > 0)
		log_event(LOG_INFO, "job.output_suppressed", LOG_SPAN("jid", jid),
			LOG_NUM("lines", o->suppressed));
	text_clear(&o->partial);
	o->suppressed = 0;
}

struct span output_tail(const struct output *o, size_t keep_bytes)
{
	struct span all = {o->tail.data, o->tail.len};
	const char *line;

	if (all.len <= keep_bytes)
		return all;
	all.at += all.len - keep_bytes;
	all.len = keep_bytes;
	line = all.at[-1] == '\n' ? NULL : memchr(all.at, '\n', all.len);
	if (line == NULL || line + 1 == all.at + all.len)
		return all;
	all.len -= (size_t)(line + 1 - all.at);
	all.at = line + 1;
	return all;
}

void output_fini(struct output *o)
{
	text_fini(&o->tail);
	text_fini(&o->partial);
	text_fini(&o->kept);
	*o = (struct output){0};
}
