/*
 * nursery/items/printed: what a command prints, a line CURSOR<TAB>ITEM for each item: any database
 * behind any client. In the child. The command is given DROVER_CURSOR to go on behind, and
 * DROVER_FROM and DROVER_TO: which part of the collection it prints is its own affair.
 */
#include "base/must.h"
#include "nursery/environment.h"
#include "nursery/items/bytes.h"
#include "nursery/items/command.h"
#include "nursery/items/source.h"
#include "wire/job_line.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NUMBER_ROOM 48

struct printed {
	struct command command;
	struct bytes bytes;
	char *name; /* of the command */
	struct text cursor;
	bool ended;
};

/* -- its environment ----------------------------------------------------------------------------- */

/* The job's own, without its socket, which stays with the job. */
struct surroundings {
	struct environment job;
	char from[NUMBER_ROOM], to[NUMBER_ROOM];
	char **list;
};

static void add_number(char ***next, char *room, const char *name, int64_t number)
{
	if (number == JOB_NO_NUMBER)
		return;
	snprintf(room, NUMBER_ROOM, "%s=%lld", name, (long long)number);
	*(*next)++ = room;
}

static bool is_replaced(const char *entry)
{
	return strncmp(entry, "DROVER_FD=", 10) == 0 || strncmp(entry, "DROVER_FROM=", 12) == 0 ||
	       strncmp(entry, "DROVER_TO=", 10) == 0;
}

/* `cursor`, NUL-terminated or NULL, is that of the collection: a nested one's is not the job's. */
static void surround(struct surroundings *s, const struct source_args *a, const char *cursor)
{
	struct job_message m = *a->m;
	size_t count = 0;
	char **next;

	m.cursor = cursor;
	environment_init(&s->job, &m);
	while (s->job.list[count])
		count++;
	s->list = next = must_alloc((count + 3) * sizeof *next);
	for (char **e = s->job.list; *e; e++)
		if (!is_replaced(*e))
			*next++ = *e;
	if (a->inner)
		return;
	add_number(&next, s->from, "DROVER_FROM", a->m->each.from);
	add_number(&next, s->to, "DROVER_TO", a->m->each.to);
}

static int start(struct printed *p, const struct source_args *a, struct err *err)
{
	char *cursor = a->cursor.len ? must_strndup(a->cursor.at, a->cursor.len) : NULL;
	struct surroundings s;
	int done;

	surround(&s, a, cursor);
	done = command_start(&p->command, a->argv, s.list, err);
	environment_fini(&s.job);
	free(s.list);
	free(cursor);
	return done;
}

/* -- its lines ----------------------------------------------------------------------------------- */

static void *printed_open(const struct source_args *a, int64_t *number, struct err *err)
{
	struct printed *p;
	int64_t before;

	if (a->cursor.len && memchr(a->cursor.at, '\0', a->cursor.len)) {
		err_set(err, "the cursor has a NUL byte in it");
		return NULL;
	}
	if (!a->argv || !a->argv[0]) {
		err_set(err, "it is not said which command prints the collection");
		return NULL;
	}
	p = must_alloc(sizeof *p);
	if (start(p, a, err) != 0) {
		free(p);
		return NULL;
	}
	p->name = must_strdup(a->argv[0]);
	bytes_open_pipe(&p->bytes, p->command.out, p->name);
	p->bytes.stop = a->stop;
	p->bytes.stop_ctx = a->stop_ctx;
	before = source_window(a->m, &SOURCE_PRINTED).first - 1;
	if (!a->inner && *number < before) /* nothing is to be passed by: the command did */
		*number = before;
	return p;
}

static void printed_close(void *self)
{
	struct printed *p = self;

	command_end(&p->command);
	bytes_close(&p->bytes);
	text_fini(&p->cursor);
	free(p->name);
	free(p);
}

static int bad_line(const struct printed *p, const char *what, struct err *err)
{
	return err_set(err, "%s printed %s: CURSOR<TAB>ITEM is due", p->name, what);
}

static int read_item(
	struct printed *p, const struct bytes_record *r, struct source_item *item, struct err *err)
{
	struct span line = r->text;
	const char *tab;
	size_t len;

	line.len -= line.len > 0 && line.at[line.len - 1] == '\n';
	tab = line.len ? memchr(line.at, '\t', line.len) : NULL;
	if (!tab && !r->cut)
		return bad_line(p, "a line without a TAB", err);
	len = tab ? (size_t)(tab - line.at) : line.len;
	if (len == 0)
		return bad_line(p, "a line without a cursor", err);
	if (!tab || len > JOB_CURSOR_MAX)
		return bad_line(p, "a line with too long a cursor", err);
	if (memchr(line.at, '\0', len))
		return bad_line(p, "a NUL byte in a cursor", err);
	text_clear(&p->cursor);
	text_add(&p->cursor, line.at, len);
	if (item)
		*item = (struct source_item){.text = {tab + 1, line.len - len - 1},
			.unfit = r->cut ? "it is longer than 1 MiB" : NULL};
	return 1;
}

static int printed_next(void *self, struct source_item *item, struct err *err)
{
	struct printed *p = self;
	struct bytes_record r;
	int got;

	if (p->ended)
		return 0;
	got = bytes_next_record(&p->bytes, bytes_find_newline, NULL, &r, err);
	if (got < 0)
		return -1;
	/* How it ended is asked before a last line that may have been cut off is believed. */
	p->ended = got == 0 || !r.whole;
	if (p->ended && command_await(&p->command, p->name, err) != 0)
		return -1;
	return got == 0 ? 0 : read_item(p, &r, item, err);
}

static void printed_add_cursor(void *self, struct text *out)
{
	const struct printed *p = self;

	text_add(out, p->cursor.data, p->cursor.len);
}

const struct source SOURCE_PRINTED = {
	.open = printed_open,
	.close = printed_close,
	.next = printed_next,
	.add_cursor = printed_add_cursor,
};
