/*
 * A module for tests, bench and demo: functions that do one thing each. SAMPLE_THREADS in the
 * nursery's environment makes its preload hook start that many threads, which allocate for ever.
 */
#include <drover/job.h>

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int preloaded;

static void *allocate_for_ever(void *unused)
{
	(void)unused;
	for (;;)
		free(malloc(1000));
	return NULL;
}

static int sample_preload(void)
{
	const char *threads = getenv("SAMPLE_THREADS");
	int n = threads ? atoi(threads) : 0;

	preloaded++;
	for (; n > 0; n--) {
		pthread_t t;

		if (pthread_create(&t, NULL, allocate_for_ever, NULL) != 0)
			return -1;
	}
	return getenv("SAMPLE_REFUSE") ? 1 : 0;
}

static int noop(struct drover_job *job)
{
	(void)job;
	return DROVER_DONE;
}

/* Everything the accessors tell, then the arguments, on standard output. */
static int echo_args(struct drover_job *job)
{
	char *args = json_dumps(drover_job_args(job), JSON_COMPACT);
	const char *cursor = drover_job_cursor(job);

	printf("%s %s %s %s %d %d %d %s preloaded=%d %s\n", drover_job_jid(job),
		drover_job_class(job), drover_job_queue(job), drover_job_origin(job),
		(int)drover_job_attempt(job), (int)drover_job_interruptions(job),
		(int)drover_job_recoveries(job), cursor ? cursor : "-", preloaded, args);
	free(args);
	drover_note(job, "echoed\ntwice");
	drover_result(job, "{\"a\":\n1}");
	return DROVER_DONE;
}

/* Arguments: an answer as a number, DROVER_FAILED without. */
static int answer(struct drover_job *job)
{
	json_t *n = json_array_get(drover_job_args(job), 0);

	return json_is_integer(n) ? (int)json_integer_value(n) : DROVER_FAILED;
}

static int fail_with_error(struct drover_job *job)
{
	printf("about to fail\n");
	return drover_error(job, "ArgumentError", "no \"such\" thing");
}

static int crash(struct drover_job *job)
{
	(void)job;
	raise(SIGSEGV);
	return DROVER_DONE;
}

static int spin(struct drover_job *job)
{
	for (volatile unsigned long i = 0;; i++)
		(void)job;
	return DROVER_DONE;
}

/* Takes and touches memory until it is stopped or gets none. */
static int leak(struct drover_job *job)
{
	for (;;) {
		char *p = malloc(1 << 20);

		if (!p)
			return drover_error(job, "NoMemoryError", strerror(errno));
		memset(p, 1, 1 << 20);
	}
}

static int sleep_forever(struct drover_job *job)
{
	(void)job;
	for (;;)
		pause();
	return DROVER_DONE;
}

/* Arguments: steps, milliseconds each. Goes on behind the cursor it is given. */
static int checkpoint_loop(struct drover_job *job)
{
	json_t *args = drover_job_args(job);
	long total = (long)json_integer_value(json_array_get(args, 0));
	long ms = (long)json_integer_value(json_array_get(args, 1));
	long at = drover_job_cursor(job) ? atol(drover_job_cursor(job)) : 0;

	while (at < total) {
		char cursor[32];
		int stop;

		usleep((useconds_t)ms * 1000);
		snprintf(cursor, sizeof cursor, "%ld", ++at);
		drover_progress(job, at, total);
		if ((stop = drover_checkpoint(job, cursor)) != 0)
			return stop;
	}
	return DROVER_DONE;
}

/* Leaves a process of another session and group behind, which says its number first. */
static int fork_daemon(struct drover_job *job)
{
	pid_t pid = fork();

	if (pid < 0)
		return drover_error(job, "Errno", strerror(errno));
	if (pid > 0) {
		printf("%d\n", (int)pid);
		return DROVER_DONE;
	}
	setsid();
	for (;;)
		pause();
}

/* -- items ------------------------------------------------------------------------------------- */

static int item_noop(struct drover_job *job, const struct drover_item *item)
{
	(void)job;
	(void)item;
	return DROVER_DONE;
}

static int item_print(struct drover_job *job, const struct drover_item *item)
{
	(void)job;
	printf("%llu=%s/%zu\n", (unsigned long long)item->number, item->text, item->len);
	return DROVER_DONE;
}

/* Arguments: an item's number, what is answered for it. */
static int item_answer(struct drover_job *job, const struct drover_item *item)
{
	json_t *args = drover_job_args(job);

	if ((json_int_t)item->number != json_integer_value(json_array_get(args, 0)))
		return DROVER_DONE;
	if (json_array_size(args) > 2)
		drover_error(job, "Boom", json_string_value(json_array_get(args, 2)));
	return (int)json_integer_value(json_array_get(args, 1));
}

static int item_checkpoint(struct drover_job *job, const struct drover_item *item)
{
	(void)item;
	return drover_checkpoint(job, "x") == -1 && errno == EINVAL ? DROVER_SKIP : DROVER_FAILED;
}

static int item_crash(struct drover_job *job, const struct drover_item *item)
{
	(void)job;
	if (item->number == 3)
		raise(SIGSEGV);
	return DROVER_DONE;
}

/*
 * Appends the item to the file that is the first argument, as one write of 16 bytes: one that crossed the
 * border of a page could be cut there by SIGKILL.
 */
static int item_append(struct drover_job *job, const struct drover_item *item)
{
	static int fd = -1;
	char line[64];
	int len = snprintf(line, sizeof line, "%15s\n", item->text);

	if (fd < 0)
		fd = open(json_string_value(json_array_get(drover_job_args(job), 0)),
			O_WRONLY | O_APPEND);
	return write(fd, line, (size_t)len) == len ? DROVER_DONE : DROVER_ABORT;
}

/* A line "JID ITEM" in the ledger that is the first argument, as one write. */
static int record(struct drover_job *job, const char *item)
{
	static int fd = -1;
	char line[4096];
	int len = snprintf(line, sizeof line, "%s %s\n", drover_job_jid(job), item);

	if (fd < 0)
		fd = open(json_string_value(json_array_get(drover_job_args(job), 0)),
			O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
	return len < (int)sizeof line && write(fd, line, (size_t)len) == len ? 0 : -1;
}

/* Arguments: a ledger, milliseconds of work an item; perhaps a number, and how long those behind it take. */
static int item_record(struct drover_job *job, const struct drover_item *item)
{
	json_t *args = drover_job_args(job), *from = json_array_get(args, 2);
	bool late = from && (json_int_t)item->number > json_integer_value(from);

	if (record(job, item->text) < 0)
		return DROVER_ABORT;
	usleep((useconds_t)json_integer_value(json_array_get(args, late ? 3 : 1)) * 1000);
	return DROVER_DONE;
}

/* Arguments: a ledger, milliseconds a step, steps: each is recorded, performed, and said by its cursor. */
static int cursor_record(struct drover_job *job)
{
	json_t *args = drover_job_args(job);
	long steps = (long)json_integer_value(json_array_get(args, 2));
	long at = drover_job_cursor(job) ? atol(drover_job_cursor(job)) : 0;

	while (at < steps) {
		char cursor[24];
		int stop;

		snprintf(cursor, sizeof cursor, "%ld", ++at);
		if (record(job, cursor) < 0)
			return DROVER_FAILED;
		usleep((useconds_t)json_integer_value(json_array_get(args, 1)) * 1000);
		if ((stop = drover_checkpoint(job, cursor)) != 0)
			return stop;
	}
	return DROVER_DONE;
}

/* A source of its own: the members of the arguments; their places are the cursors. */
struct args_source {
	json_t *args;
	size_t next;
	char cursor[24];
};

static void *args_open(struct drover_job *job, const char *cursor)
{
	static struct args_source s;

	s = (struct args_source){drover_job_args(job), cursor ? (size_t)atol(cursor) : 0, ""};
	return &s;
}

static int args_next(void *at, struct drover_item *item)
{
	struct args_source *s = at;
	json_t *member = json_array_get(s->args, s->next);

	if (!member)
		return 0;
	item->text = json_string_value(member);
	if (!item->text)
		return -1;
	item->len = strlen(item->text);
	snprintf(s->cursor, sizeof s->cursor, "%zu", ++s->next);
	return 1;
}

static const char *args_cursor(void *at)
{
	return ((struct args_source *)at)->cursor;
}

static const struct drover_source args_source = {args_open, args_next, args_cursor, NULL};

static int each_of_args(struct drover_job *job)
{
	return drover_each(job, &args_source, item_print);
}

DROVER_MODULE = {
	DROVER_PRELOAD(sample_preload),
	DROVER_FUNCTION(noop),
	DROVER_FUNCTION(echo_args),
	DROVER_FUNCTION(answer),
	DROVER_FUNCTION(fail_with_error),
	DROVER_FUNCTION(crash),
	DROVER_FUNCTION(spin),
	DROVER_FUNCTION(leak),
	DROVER_FUNCTION(sleep_forever),
	DROVER_FUNCTION(checkpoint_loop),
	DROVER_FUNCTION(fork_daemon),
	DROVER_FUNCTION(each_of_args),
	DROVER_FUNCTION(cursor_record),
	DROVER_EACH(item_noop),
	DROVER_EACH(item_print),
	DROVER_EACH(item_answer),
	DROVER_EACH(item_checkpoint),
	DROVER_EACH(item_crash),
	DROVER_EACH(item_append),
	DROVER_EACH(item_record),
	DROVER_END,
};
