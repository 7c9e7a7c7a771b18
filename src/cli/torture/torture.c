/*
 * drover torture: starts supervisors of its own in a namespace of its own, kills them, their
 * nurseries and their jobs at odd moments, and counts what became of every job. It must never
 * signal a process it did not start, touch a key of another namespace, or stop Redis.
 */
#include "cli/torture/torture.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "cli/torture/torture_job.h"
#include "client/torture.h"

enum {
	STALLED_MS = 3000, /* without a job ending, the next fault comes all the same */
	STUCK_MS = 30000,  /* the same at the end, beyond two leases: it is given up */
	LOOK_MS = 20,
	DYING_MS = 100,
	LEARNS_MS = 2000, /* until one that was stopped has ended what it had */
	END_MS = 15000
};

static const struct args_option options[] = {
	{"--seed", ARGS_VALUE, "N", "the same faults again"},
	{"--jobs", ARGS_VALUE, "N", "how many jobs (1000)"},
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

static void strike(struct torture *t)
{
	static void (*const WHAT[])(struct torture *, struct torture_member *, uint64_t) = {
		kill_child, kill_child, kill_child, kill_child, kill_nursery, kill_nursery,
		kill_member, kill_member, kill_member, stop_member};
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

static int read_ledger(const struct torture *t, struct text *out)
{
	char bytes[65536];
	int fd = open(t->ledger, O_RDONLY | O_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		return -1;
	while ((n = read(fd, bytes, sizeof bytes)) > 0)
		text_add(out, bytes, (size_t)n);
	close(fd);
	return 0;
}

static int end_members(struct torture *t)
{
	int wrong = 0;

	for (int i = 0; i < TORTURE_MEMBERS; i++)
		wrong += t->members[i].pid != 0 && torture_member_term(&t->members[i], END_MS) != 0;
	return wrong;
}

/* -- what is said -------------------------------------------------------------------------- */

static void say_text(struct torture *t, const struct torture_count *c, long long failed)
{
	struct text *out = &t->cli->out;

	text_addf(out, "seed %llu: killed %zu jobs, %zu nurseries, %zu supervisors; stopped %zu\n",
		(unsigned long long)t->seed, t->counts[TORTURE_CHILD], t->counts[TORTURE_NURSERY],
		t->counts[TORTURE_SUPERVISOR], t->counts[TORTURE_STOP]);
	text_addf(out,
		"%zu jobs: %zu done, %lld failed, %zu lost; %zu begun again, %zu done twice, "
		"%zu beside themselves, %zu of these without a reason\n",
		c->jobs, c->done, failed, c->lost, c->again, c->twice, c->beside, c->unexcused);
}

static void say_doc(struct torture *t, const struct torture_count *c, long long failed)
{
	struct doc doc = {0};

	doc_open(&doc, NULL, '{');
	doc_number(&doc, "seed", (long long)t->seed);
	doc_number(&doc, "killed_jobs", (long long)t->counts[TORTURE_CHILD]);
	doc_number(&doc, "killed_nurseries", (long long)t->counts[TORTURE_NURSERY]);
	doc_number(&doc, "killed_supervisors", (long long)t->counts[TORTURE_SUPERVISOR]);
	doc_number(&doc, "stopped_supervisors", (long long)t->counts[TORTURE_STOP]);
	doc_number(&doc, "jobs", (long long)c->jobs);
	doc_number(&doc, "done", (long long)c->done);
	doc_number(&doc, "failed", failed);
	doc_number(&doc, "lost", (long long)c->lost);
	doc_number(&doc, "begun_again", (long long)c->again);
	doc_number(&doc, "done_twice", (long long)c->twice);
	doc_number(&doc, "beside_themselves", (long long)c->beside);
	doc_number(&doc, "without_reason", (long long)c->unexcused);
	doc_close(&doc, '}');
	cli_add_doc(t->cli, &doc);
}

static int judge(struct torture *t, bool all_counted, int wrong_exits)
{
	struct torture_ledger ledger = {0};
	struct torture_count c = {0};
	struct text text = {0};
	struct drover_error error;
	long long all = -1, failed = 0;

	if (read_ledger(t, &text) == 0)
		torture_ledger_read(&ledger, (struct span){text.data, text.len});
	torture_ledger_judge(&ledger, t->jids, t->n_jids, t->faults, t->n_faults, &c);
	torture_count(t->cli->client, &all, &failed, &error);
	c.lost -= (size_t)failed < c.lost ? (size_t)failed : c.lost;
	(t->cli->json ? say_doc : say_text)(t, &c, failed);
	torture_ledger_fini(&ledger);
	text_fini(&text);
	if (!all_counted || all != (long long)t->n_jids)
		cli_fail(CLI_ERROR, "Redis counts %lld jobs of %zu", all, t->n_jids);
	if (wrong_exits || t->fell)
		cli_fail(CLI_ERROR, "%zu supervisors ended by themselves, %d did not end well",
			t->fell, wrong_exits);
	return !all_counted || all != (long long)t->n_jids || wrong_exits || t->fell || failed ||
			       c.lost || c.unexcused
		       ? CLI_ERROR
		       : CLI_OK;
}

static int end_well(struct torture *t)
{
	int64_t patience_ms = 2 * t->conf->supervisor.lease_ms + STUCK_MS;
	bool all_counted;

	run_faults(t);
	all_counted = wait_for(t, (long long)t->n_jids, patience_ms);
	if (torture_interrupted)
		return cli_fail(CLI_ERROR, "interrupted");
	return judge(t, all_counted, end_members(t));
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
