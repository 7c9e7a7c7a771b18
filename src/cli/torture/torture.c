/*
 * drover torture: starts supervisors of its own in a namespace of its own, kills them, their
 * nurseries and their jobs at odd moments, and counts what became of every job. It must never
 * signal a process it did not start, touch a key of another namespace, or stop Redis.
 */
#include "cli/torture/torture.h"

#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "cli/torture/torture_items.h"
#include "cli/torture/torture_job.h"
#include "client/torture.h"

enum {
	STALLED_MS = 3000, /* without a job ending, the next fault comes all the same */
	STUCK_MS = 30000,  /* the same at the end, beyond two leases: it is given up */
	LOOK_MS = 20,
	DYING_MS = 100,
	PAUSE_MS = 400,
	LEARNS_MS = 2000, /* until one that was stopped has ended what it had */
	END_MS = 15000
};

static const struct args_option options[] = {
	{"--seed", ARGS_VALUE, "N", "the same faults again"},
	{"--jobs", ARGS_VALUE, "N", "how many jobs (1000)"},
	{"--runs", ARGS_VALUE, "N", "how many that iterate besides (one of 100 jobs)"},
	{"--kills", ARGS_VALUE, "N", "how often something is killed or stopped (40)"},
	{0},
};

volatile sig_atomic_t torture_interrupted;

static void on_signal(int number)
{
	(void)number;
	torture_interrupted = 1;
}

/* splitmix64: the plan comes from the seed alone. */
static uint64_t draw(struct torture *t)
{
	uint64_t z = t->random += 0x9e3779b97f4a7c15u;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
	return z ^ (z >> 31);
}

static void pause_ms(int64_t ms)
{
	nanosleep(&(struct timespec){.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000}, NULL);
}

/* -- faults -------------------------------------------------------------------------------- */

/* What was forked before the blow fell may still say that it begins. */
static void note(
	struct torture *t, enum torture_kind kind, pid_t pid, int64_t begin_ms, int64_t end_ms)
{
	t->counts[kind]++;
	t->faults[t->n_faults++] =
		(struct torture_fault){kind, (int)pid, begin_ms, end_ms + DYING_MS};
}

static void kill_child(struct torture *t, struct torture_member *m, uint64_t choice)
{
	int64_t begin_ms = clock_mono_ms();
	pid_t pid = torture_member_kill_child(m, t->ledger, choice);

	if (pid > 0)
		note(t, TORTURE_CHILD, pid, begin_ms, clock_mono_ms());
}

static void kill_nursery(struct torture *t, struct torture_member *m, uint64_t choice)
{
	int64_t begin_ms = clock_mono_ms();
	pid_t pid = torture_member_kill_child(m, NULL, choice);

	if (pid > 0)
		note(t, TORTURE_NURSERY, pid, begin_ms, clock_mono_ms());
}

/* Where that fails it is tried again: see watch_over. */
static void start_again(struct torture_member *m)
{
	struct err err;

	if (torture_member_start(m, &err) < 0)
		cli_fail(CLI_ERROR, "%s", err.text);
}

static void kill_member(struct torture *t, struct torture_member *m, uint64_t choice)
{
	int64_t begin_ms = clock_mono_ms();
	pid_t pid = m->pid;

	(void)choice;
	torture_member_kill(m);
	note(t, TORTURE_SUPERVISOR, pid, begin_ms, clock_mono_ms());
	start_again(m);
}

/* Past its lease. What it holds may run beside itself until it learns of that, and ends it. */
static void stop_member(struct torture *t, struct torture_member *m, uint64_t choice)
{
	int64_t now = clock_mono_ms(), until = now + t->conf->supervisor.lease_ms * 3 / 2;

	(void)choice;
	note(t, TORTURE_STOP, m->pid, now, until + LEARNS_MS);
	torture_member_stop(m, until);
}

/* All of it: what runs goes on, iterating jobs stop behind the item in hand. */
static void pause_all(struct torture *t, struct torture_member *m, uint64_t choice)
{
	struct drover_error error;

	(void)m, (void)choice;
	if (t->resume_mono_ms || drover_pause_all(t->cli->client, "torture", &error) < 0)
		return;
	t->resume_mono_ms = clock_mono_ms() + PAUSE_MS;
	note(t, TORTURE_PAUSE, 0, clock_mono_ms(), clock_mono_ms());
}

static void strike(struct torture *t)
{
	static void (*const WHAT[])(struct torture *, struct torture_member *, uint64_t) = {
		kill_child, kill_child, kill_child, kill_child, kill_nursery, kill_nursery,
		kill_member, kill_member, kill_member, stop_member, pause_all};
	uint64_t choice = draw(t), what = draw(t) % (sizeof WHAT / sizeof *WHAT);
	struct torture_member *m = &t->members[choice % TORTURE_MEMBERS];

	for (int i = 0; i < TORTURE_MEMBERS && (m->stopped || m->pid == 0); i++)
		m = &t->members[(choice + (uint64_t)i) % TORTURE_MEMBERS];
	if (!m->stopped && m->pid != 0)
		WHAT[what](t, m, choice >> 8);
}

/* What is due: a stopped one goes on; one that ended by itself is told of, and started again. */
static void watch_over(struct torture *t)
{
	struct drover_error error;

	if (t->resume_mono_ms && clock_mono_ms() >= t->resume_mono_ms &&
		drover_resume_all(t->cli->client, &error) >= 0)
		t->resume_mono_ms = 0;
	for (int i = 0; i < TORTURE_MEMBERS; i++) {
		struct torture_member *m = &t->members[i];

		if (m->stopped && clock_mono_ms() >= m->on_at_ms)
			torture_member_continue(m);
		t->fell += torture_member_fell(m);
		if (m->pid == 0)
			start_again(m);
	}
}

/* -- the run ------------------------------------------------------------------------------- */

/* Redis away is no progress, and no end. */
static long long processed(struct torture *t, long long before)
{
	struct drover_error error;
	long long all, failed;

	return torture_count(t->cli->client, &all, &failed, &error) < 0 ? before : all;
}

/* Until Redis counts so many jobs; false where for so long nothing moved. */
static bool wait_for(struct torture *t, long long count, int64_t patience_ms)
{
	long long seen = -1;
	int64_t since = clock_mono_ms();

	while (!torture_interrupted) {
		long long now = processed(t, seen);

		if (now >= count)
			return true;
		if (now != seen)
			since = clock_mono_ms();
		seen = now;
		if (clock_mono_ms() - since > patience_ms)
			return false;
		watch_over(t);
		pause_ms(LOOK_MS);
	}
	return false;
}

/* Where there is nothing to hit just now, for both stand still, there will be. */
static void strike_something(struct torture *t)
{
	int64_t end_ms = clock_mono_ms() + 2 * t->conf->supervisor.lease_ms;
	size_t before = t->n_faults;

	while (t->n_faults == before && !torture_interrupted && clock_mono_ms() < end_ms) {
		strike(t);
		watch_over(t);
		pause_ms(t->n_faults == before ? LOOK_MS : 0);
	}
}

/* Faults are spread over the first nine tenths of the jobs. */
static void run_faults(struct torture *t)
{
	for (size_t i = 0; i < t->n_kills && !torture_interrupted; i++) {
		wait_for(t, (long long)(t->n_jobs * 9 / 10 * i / t->n_kills), STALLED_MS);
		pause_ms((int64_t)(draw(t) % LOOK_MS));
		strike_something(t);
	}
}

static int end_members(struct torture *t)
{
	int wrong = 0;

	for (int i = 0; i < TORTURE_MEMBERS; i++)
		wrong += t->members[i].pid != 0 && torture_member_term(&t->members[i], END_MS) != 0;
	return wrong;
}

static int end_well(struct torture *t)
{
	int64_t patience_ms = 2 * t->conf->supervisor.lease_ms + STUCK_MS;
	bool all_counted;

	run_faults(t);
	all_counted = wait_for(t, (long long)(t->n_jids + t->n_runs), patience_ms);
	if (torture_interrupted)
		return cli_fail(CLI_ERROR, "interrupted");
	return torture_judge(t, all_counted, end_members(t));
}

static void catch_signals(void)
{
	const struct sigaction action = {.sa_handler = on_signal};

	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGHUP, &action, NULL);
}

static int run(struct cli *cli)
{
	struct torture t = {.cli = cli};
	int code;

	if (cli->args.n_words == 3 && span_is(span_of(cli->args.words[0]), "job"))
		return torture_job(cli->args.words[1], strtol(cli->args.words[2], NULL, 10));
	if (cli->args.n_words == 3 && span_is(span_of(cli->args.words[0]), "items"))
		return torture_items(cli->args.words[1], strtol(cli->args.words[2], NULL, 10));
	if (cli->args.n_words > 0)
		return cli_fail(CLI_USAGE, "torture takes no words");
	catch_signals();
	code = torture_set_up(&t);
	if (code == CLI_OK)
		code = end_well(&t);
	torture_clean_up(&t, code);
	return code;
}

const struct cli_verb verb_torture = {.name = "torture",
	.synopsis = "",
	.summary = "kill supervisors of its own under load and count what was lost",
	.words_max = 3,
	.options = options,
	.alone = true,
	.run = run};
