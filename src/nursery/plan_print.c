/* nursery/plan_print: see plan_print.h. */
#include "nursery/plan_print.h"

#include "nursery/items/collection.h"
#include "wire/job_message.h"
#include "wire/stream.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* -- the message ----------------------------------------------------------------------------------- */

static int read_all(struct text *out, struct err *err)
{
	char bytes[65536];
	ssize_t n;

	while ((n = read(STDIN_FILENO, bytes, sizeof bytes)) != 0) {
		if (n < 0 && errno != EINTR)
			return err_errno(err, "standard input");
		if (n > 0)
			text_add(out, bytes, (size_t)n);
	}
	return 0;
}

static int decode(struct job_message *m, const struct text *bytes, struct err *err)
{
	if (bytes->len < sizeof(struct job_head))
		return err_set(err, "a job's message is due on standard input");
	if (job_message_size(bytes->data, err) != bytes->len)
		return err_set(err, "standard input is not one job's message");
	return job_message_decode(m, bytes->data, bytes->len, err);
}

static int find_stream(const struct job_message *m, int *stream, struct err *err)
{
	int type = 0;
	socklen_t size = sizeof type;

	*stream = -1;
	if (!m->collection.stream)
		return 0;
	if (getsockopt(STREAM_FD, SOL_SOCKET, SO_TYPE, &type, &size) != 0)
		return err_set(err,
			"its collection stands in Redis, and descriptor %d is no socket",
			STREAM_FD);
	*stream = STREAM_FD;
	return 0;
}

/* A relative path, and a command, are the job's. */
static int enter(const struct job_message *m, struct err *err)
{
	if (m->limits.handler != JOB_EACH)
		return err_set(err, "a job without `each` has no items");
	if (m->directory && chdir(m->directory) != 0)
		return err_errno(err, "%s", m->directory);
	return 0;
}

/* -- what is printed ------------------------------------------------------------------------------- */

static int print(struct text *line, struct err *err)
{
	text_add_char(line, '\n');
	if (fwrite(line->data, 1, line->len, stdout) != line->len)
		return err_errno(err, "standard output");
	text_clear(line);
	return 0;
}

static bool never(void *ctx)
{
	(void)ctx;
	return false;
}

static int print_total(const struct job_message *m, int stream, struct err *err)
{
	struct collection_plan plan = {.total = -1};
	struct text line = {0};
	int done = collection_make_plan(m, 0, never, NULL, &plan, stream, err);

	if (done > 0) {
		text_add_str(&line, "{\"total\":");
		if (plan.total < 0)
			text_add_str(&line, "null");
		else
			text_add_int(&line, plan.total);
		text_add_char(&line, '}');
		done = print(&line, err);
	}
	text_fini(&plan.bounds);
	text_fini(&line);
	return done < 0 ? -1 : 0;
}

static int print_item(
	struct text *line, const struct collection_item *item, struct span cursor, struct err *err)
{
	text_addf(line, "{\"number\":%lld,\"last\":%lld,\"cursor\":", (long long)item->number,
		(long long)item->last);
	text_add_json(line, cursor);
	text_add_str(line, ",\"item\":");
	text_add_json(line, item->text);
	text_add_char(line, '}');
	return print(line, err);
}

static int print_items(const struct job_message *m, int64_t most, int stream, struct err *err)
{
	struct collection *c =
		collection_open(m, &(struct collection_start){.stream = stream}, err);
	struct collection_item item;
	struct text line = {0};
	int got = c ? 1 : -1;

	while (got > 0 && most-- > 0) {
		got = collection_next(c, INT64_MAX, &item, err);
		if (got > 0 && print_item(&line, &item, collection_cursor(c), err) < 0)
			got = -1;
	}
	collection_close(c);
	text_fini(&line);
	return got < 0 ? -1 : 0;
}

int plan_print(int64_t most, struct err *err)
{
	struct job_message m;
	struct text bytes = {0};
	int stream, done;

	if (read_all(&bytes, err) != 0 || decode(&m, &bytes, err) != 0) {
		text_fini(&bytes);
		return -1;
	}
	done = find_stream(&m, &stream, err);
	if (done == 0)
		done = enter(&m, err);
	if (done == 0)
		done = print_total(&m, stream, err);
	if (done == 0 && most > 0)
		done = print_items(&m, most, stream, err);
	if (fflush(stdout) != 0 && done == 0)
		done = err_errno(err, "standard output");
	job_message_fini(&m);
	text_fini(&bytes);
	return done;
}
