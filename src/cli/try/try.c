/*
 * drover try: performs one job in the foreground, in a Redis and by a droverd of its own, stops it
 * behind every so many items, kills it perhaps, and says what was performed twice or not at all. For
 * people who test their jobs. It must never touch the Redis of the configuration's queues.
 */
#include "cli/try/try.h"

#include <stdlib.h>
#include <time.h>

#include "base/clock.h"
#include "cli/programs.h"
#include "cli/request.h"

enum { LOOK_MS = 1, SILENT_MS = 10000, FOREVER_MS = 3600 * 1000 };

static const struct args_option options[] = {
	{"--interrupt-every", ARGS_VALUE, "N", "stop it behind so many items (10); 0: never"},
	{"--kill-every", ARGS_VALUE, "N", "kill it at every so many items, 2 or more (never)"},
	{REQUEST_ARGS},
	{"--csv", ARGS_VALUE, "FILE", "go over this file, in place of the one of the class"},
	{REQUEST_FROM},
	{REQUEST_TO},
	{REQUEST_LIMIT},
	{0},
};

volatile sig_atomic_t try_interrupted;

static void on_signal(int number)
{
	(void)number;
	try_interrupted = 1;
}

static void catch_signals(void)
{
	const struct sigaction action = {.sa_handler = on_signal};

	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGHUP, &action, NULL);
}

/* Longer than the class lets an item take; but who buffers its answers gives none, ever. */
static int64_t patience_ms(const struct try *t)
{
	if (t->buffers)
		return SILENT_MS;
	return t->class->timeout_ms == CONF_NONE ? FOREVER_MS : t->class->timeout_ms + SILENT_MS;
}

static void look_after(struct try *t)
{
	int code;

	if (programs_look(t->droverd, &code)) {
		t->droverd = 0;
		while (try_read_log(t)) /* its last words */
			;
		if (!t->over)
			try_give_up(t, "failed", "droverd has ended by itself");
	} else if (clock_mono_ms() - t->heard_ms > patience_ms(t)) {
		try_give_up(t, "stuck",
			t->buffers ? "no answer comes from the filter"
				   : "nothing happens any more");
	}
}

static int watch(struct try *t)
{
	t->heard_ms = clock_mono_ms();
	while (!t->over && !try_interrupted) {
		if (try_read_log(t))
			continue;
		look_after(t);
		nanosleep(&(struct timespec){.tv_nsec = LOOK_MS * 1000000L}, NULL);
	}
	return t->over ? try_report(t) : cli_fail(CLI_ERROR, "interrupted");
}

static int run(struct cli *cli)
{
	struct try t = {.cli = cli,
		.log = -1,
		.total = -1,
		.each = {.from = DROVER_UNKNOWN, .to = DROVER_UNKNOWN, .limit = DROVER_UNKNOWN}};
	int code;

	catch_signals();
	try_ledger_init(&t.ledger);
	code = try_set_up(&t);
	if (code == CLI_OK)
		code = watch(&t);
	try_clean_up(&t);
	return code;
}

const struct cli_verb verb_try = {.name = "try",
	.synopsis = "CLASS [ARG...]",
	.summary = "perform a job here, stopping it again and again, and count what it does twice",
	.words_min = 1,
	.words_max = CLI_WORDS_ANY,
	.options = options,
	.alone = true,
	.run = run};
