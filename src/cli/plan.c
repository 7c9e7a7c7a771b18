/* cli/plan: see plan.h. In drover. */
#include "cli/plan.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/must.h"
#include "cli/programs.h"
#include "message/class.h"

/* Programs that read for us, and what they are given. */
struct reading {
	struct each_message each;
	struct text message;
	char *csv;  /* a path that holds for any folder */
	int csv_fd; /* what came on standard input; -1 */
	int stream; /* the nursery's end of drover-items; -1: none */
	pid_t items;
};

/* -- the message --------------------------------------------------------------------------- */

/* It is gone through twice, so it is kept. */
static int keep_input(struct reading *g, struct err *err)
{
	struct text bytes = {0};
	char block[65536];
	ssize_t n;

	while ((n = read(STDIN_FILENO, block, sizeof block)) > 0)
		text_add(&bytes, block, (size_t)n);
	if (n == 0)
		g->csv_fd = programs_file("standard input", &bytes, err);
	else
		err_errno(err, "standard input");
	text_fini(&bytes);
	if (g->csv_fd < 0)
		return -1;
	g->csv = must_printf("/proc/%d/fd/%d", (int)getpid(), g->csv_fd);
	return 0;
}

static int find_csv(struct reading *g, const char *csv, struct err *err)
{
	char path[PATH_MAX];

	if (csv == NULL)
		return 0;
	if (strcmp(csv, "-") == 0)
		return keep_input(g, err);
	if (realpath(csv, path) == NULL)
		return err_errno(err, "%s", csv);
	g->csv = must_strdup(path);
	return 0;
}

static int describe(struct reading *g, const struct plan_request *r, struct err *err)
{
	if (find_csv(g, r->csv, err) < 0 ||
		each_message_init(&g->each, r->class, &r->asked, err) < 0)
		return -1;
	if (g->csv)
		g->each.source.path = span_of(g->csv);
	return each_message_take_from_class(&g->each, r->class, err);
}

static int compose(struct reading *g, const struct plan_request *r, struct err *err)
{
	struct text part = {0};
	int rc = describe(g, r, err);

	if (rc == 0)
		rc = message_add_class(&part, r->class, err);
	if (rc == 0)
		job_message_add(&g->message, (struct span){part.data, part.len},
			&(struct job_source){.counts = {.attempt = 1},
				.jid = SPAN_LIT("plan"),
				.class_name = span_of(r->class_name),
				.queue = SPAN_LIT("plan"),
				.origin = SPAN_LIT("enqueued"),
				.token = SPAN_LIT("plan"),
				.lease = SPAN_LIT("plan"),
				.args = r->asked.args,
				.each = &g->each.source});
	text_fini(&part);
	return rc;
}

/* -- a collection in Redis ----------------------------------------------------------------- */

static int say_spec(int fd, const struct stream_spec *spec, struct err *err)
{
	struct text bytes = {0};
	ssize_t n;

	stream_spec_add(&bytes, spec);
	n = send(fd, bytes.data, bytes.len, MSG_NOSIGNAL);
	if (n != (ssize_t)bytes.len)
		err_errno(err, "drover-items");
	explicit_bzero(bytes.data, bytes.cap); /* there may be a password in it */
	text_fini(&bytes);
	return n > 0 ? 0 : -1;
}

static int start_items(struct reading *g, struct err *err)
{
	char *path = programs_find("drover-items", err);
	const char *argv[] = {path, NULL};
	int pair[2];

	if (!path)
		return -1;
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0) {
		free(path);
		return err_errno(err, "socketpair");
	}
	g->stream = pair[0];
	if (say_spec(pair[0], &g->each.stream, err) == 0)
		g->items = programs_start(
			&(struct program){argv, -1, -1, STDERR_FILENO, pair[1]}, err);
	close(pair[1]);
	free(path);
	return g->items > 0 ? 0 : -1;
}

/* -- what is printed ----------------------------------------------------------------------- */

static void take_text(struct text *into, const json_t *value)
{
	if (json_is_string(value))
		text_add(into, json_string_value(value), json_string_length(value));
	text_reserve(into, 0);
}

static void take_item(struct plan *p, const json_t *line)
{
	struct plan_item *item;

	if (p->n == p->cap) {
		p->cap = p->cap ? 2 * p->cap : 64;
		p->items = must_realloc(p->items, p->cap * sizeof *p->items);
	}
	item = &p->items[p->n++];
	*item = (struct plan_item){.number = json_integer_value(json_object_get(line, "number")),
		.last = json_integer_value(json_object_get(line, "last"))};
	take_text(&item->cursor, json_object_get(line, "cursor"));
	take_text(&item->item, json_object_get(line, "item"));
}

static void take_line(struct plan *p, const char *at, size_t len)
{
	json_t *line = json_loadb(at, len, JSON_ALLOW_NUL, NULL), *total;

	total = json_object_get(line, "total");
	if (json_is_integer(total))
		p->total = json_integer_value(total);
	else if (line && !total)
		take_item(p, line);
	json_decref(line);
}

static void take_lines(struct plan *p, int fd)
{
	FILE *in = fdopen(fd, "r");
	char *line = NULL;
	size_t size = 0;
	ssize_t n;

	must(in != NULL);
	while ((n = getline(&line, &size, in)) > 0)
		take_line(p, line, (size_t)n);
	free(line);
	fclose(in);
}

/* "drover-nursery: why", as it said it last. */
static int say_why(int fd, int code, struct err *err)
{
	char words[1024], *at, *end;
	ssize_t n = pread(fd, words, sizeof words - 1, 0);

	words[n > 0 ? n : 0] = '\0';
	at = strchr(words, ' ');
	end = strchr(words, '\n');
	if (end)
		*end = '\0';
	if (n <= 0 || !at)
		return err_set(err, "drover-nursery ended with %d", code);
	return err_set(err, "%s", at + 1);
}

static int run_nursery(struct plan *p, struct reading *g, int64_t most, struct err *err)
{
	char *path = programs_find("drover-nursery", err), number[24];
	const char *argv[] = {path, "--plan", number, NULL};
	int in = -1, words = -1, out[2] = {-1, -1}, code = -1;
	pid_t pid = -1;

	if (!path)
		return -1;
	snprintf(number, sizeof number, "%lld", (long long)most);
	in = programs_file("message", &g->message, err);
	words = programs_file("words", &(struct text){0}, err);
	if (in >= 0 && words >= 0 && pipe2(out, O_CLOEXEC) < 0)
		err_errno(err, "pipe");
	if (out[0] >= 0)
		pid = programs_start(&(struct program){argv, in, out[1], words, g->stream}, err);
	close(out[1]);
	if (pid > 0) {
		take_lines(p, out[0]);
		code = programs_wait(pid);
		code = code == 0 ? 0 : say_why(words, code, err);
	} else {
		close(out[0]);
	}
	close(in);
	close(words);
	free(path);
	return code;
}

/* A path that is not found may be one of another folder. */
static void say_where(const struct reading *g, const struct plan_request *r, struct err *err)
{
	struct err why = *err;

	if (g->each.path.len > 0 && g->each.path.data[0] != '/' &&
		r->class->each.kind != CONF_EACH_RANGE && r->class->each.kind != CONF_EACH_REDIS)
		err_set(err, "%s (paths of a job begin at its directory, %s)", why.text,
			r->class->directory);
}

int plan_read(struct plan *p, const struct plan_request *r, struct err *err)
{
	struct reading g = {.stream = -1, .csv_fd = -1};
	int rc = compose(&g, r, err);

	*p = (struct plan){.total = -1};
	if (rc == 0 && g.each.streams)
		rc = start_items(&g, err);
	if (rc == 0)
		rc = run_nursery(p, &g, r->most, err);
	if (rc < 0)
		say_where(&g, r, err);
	if (g.stream >= 0)
		close(g.stream);
	if (g.csv_fd >= 0)
		close(g.csv_fd);
	if (g.items > 0)
		programs_wait(g.items);
	each_message_fini(&g.each);
	text_fini(&g.message);
	free(g.csv);
	return rc;
}

void plan_fini(struct plan *p)
{
	for (size_t i = 0; i < p->n; i++) {
		text_fini(&p->items[i].cursor);
		text_fini(&p->items[i].item);
	}
	free(p->items);
	*p = (struct plan){.total = -1};
}
