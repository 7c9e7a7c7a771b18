/* cli/torture_judge: see torture.h. In drover. What jobs and items said of themselves, and what is said of that. */
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "cli/torture/torture.h"
#include "cli/torture/torture_config.h"
#include "cli/torture/torture_items.h"
#include "client/torture.h"

/* Iterating jobs: how many did not end as done with exact counts; and their items. */
struct runs {
	size_t wrong, most;
	struct torture_items_count items;
};

static int read_ledger(const char *path, struct text *out)
{
	char bytes[65536];
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		return -1;
	while ((n = read(fd, bytes, sizeof bytes)) > 0)
		text_add(out, bytes, (size_t)n);
	close(fd);
	return 0;
}

/* -- what is said -------------------------------------------------------------------------- */

static void say_text(
	struct torture *t, const struct torture_count *c, const struct runs *r, long long failed)
{
	struct text *out = &t->cli->out;

	text_addf(out,
		"seed %llu: killed %zu jobs, %zu nurseries, %zu supervisors; stopped %zu, paused "
		"all "
		"%zu times\n",
		(unsigned long long)t->seed, t->counts[TORTURE_CHILD], t->counts[TORTURE_NURSERY],
		t->counts[TORTURE_SUPERVISOR], t->counts[TORTURE_STOP], t->counts[TORTURE_PAUSE]);
	text_addf(out,
		"%zu jobs: %zu done, %lld failed, %zu lost; %zu begun again, %zu done twice, "
		"%zu beside themselves, %zu of these without a reason\n",
		c->jobs, c->done, failed, c->lost, c->again, c->twice, c->beside, c->unexcused);
	text_addf(out,
		"%zu runs of %d items: %zu ended wrong; %zu items lost, %zu begun again, at most "
		"%zu "
		"could be\n",
		t->n_runs, TORTURE_ITEMS, r->wrong, r->items.missing, r->items.again, r->most);
}

static void say_doc(
	struct torture *t, const struct torture_count *c, const struct runs *r, long long failed)
{
	struct doc doc = {0};

	doc_open(&doc, NULL, '{');
	doc_number(&doc, "seed", (long long)t->seed);
	doc_number(&doc, "killed_jobs", (long long)t->counts[TORTURE_CHILD]);
	doc_number(&doc, "killed_nurseries", (long long)t->counts[TORTURE_NURSERY]);
	doc_number(&doc, "killed_supervisors", (long long)t->counts[TORTURE_SUPERVISOR]);
	doc_number(&doc, "stopped_supervisors", (long long)t->counts[TORTURE_STOP]);
	doc_number(&doc, "pauses", (long long)t->counts[TORTURE_PAUSE]);
	doc_number(&doc, "jobs", (long long)c->jobs);
	doc_number(&doc, "done", (long long)c->done);
	doc_number(&doc, "failed", failed);
	doc_number(&doc, "lost", (long long)c->lost);
	doc_number(&doc, "begun_again", (long long)c->again);
	doc_number(&doc, "done_twice", (long long)c->twice);
	doc_number(&doc, "beside_themselves", (long long)c->beside);
	doc_number(&doc, "without_reason", (long long)c->unexcused);
	doc_number(&doc, "runs", (long long)t->n_runs);
	doc_number(&doc, "runs_ended_wrong", (long long)r->wrong);
	doc_number(&doc, "items_lost", (long long)r->items.missing);
	doc_number(&doc, "items_begun_again", (long long)r->items.again);
	doc_close(&doc, '}');
	cli_add_doc(t->cli, &doc);
}

/* -- what came of it ----------------------------------------------------------------------- */

static void judge_jobs(const struct torture *t, struct torture_count *c)
{
	struct torture_ledger ledger = {0};
	struct text text = {0};

	if (read_ledger(t->ledger, &text) == 0)
		torture_ledger_read(&ledger, (struct span){text.data, text.len});
	torture_ledger_judge(&ledger, t->jids, t->n_jids, t->faults, t->n_faults, c);
	torture_ledger_fini(&ledger);
	text_fini(&text);
}

/*
 * A child's death may begin its item once more, its supervisor's one of each worker; while one stands
 * still past its lease its children go on, and so does whoever has their runs by then.
 */
static size_t most_again(const struct torture *t)
{
	size_t most = 0;

	for (size_t i = 0; i < t->n_faults; i++) {
		const struct torture_fault *f = &t->faults[i];

		if (f->kind == TORTURE_NURSERY) /* a child looks like one */
			most++;
		else if (f->kind == TORTURE_SUPERVISOR)
			most += TORTURE_WORKERS;
		else if (f->kind == TORTURE_STOP)
			most += TORTURE_WORKERS * (size_t)(f->end_ms - f->begin_ms) /
				TORTURE_ITEM_MS;
	}
	return most;
}

static bool is_well(struct torture *t, size_t run)
{
	const long long bad = TORTURE_ITEMS / TORTURE_BAD;
	struct drover_error error;
	long long done, errors;
	char jid[32];

	snprintf(jid, sizeof jid, "r%zu", run);
	return torture_run_done(t->cli->client, jid, &done, &errors, &error) == 1 &&
	       done == TORTURE_ITEMS - bad && errors == bad;
}

static void judge_runs(struct torture *t, struct runs *r)
{
	struct text text = {0};

	read_ledger(t->items, &text);
	torture_items_judge(
		(struct span){text.data ? text.data : "", text.len}, t->n_runs, &r->items);
	text_fini(&text);
	for (size_t i = 0; i < t->n_runs; i++)
		r->wrong += !is_well(t, i);
	r->most = most_again(t);
}

int torture_judge(struct torture *t, bool all_counted, int wrong_exits)
{
	long long all = -1, failed = 0, wanted = (long long)(t->n_jids + t->n_runs);
	struct torture_count c = {0};
	struct drover_error error;
	struct runs r = {0};

	judge_jobs(t, &c);
	judge_runs(t, &r);
	torture_count(t->cli->client, &all, &failed, &error);
	c.lost -= (size_t)failed < c.lost ? (size_t)failed : c.lost;
	(t->cli->json ? say_doc : say_text)(t, &c, &r, failed);
	if (!all_counted || all != wanted)
		cli_fail(CLI_ERROR, "Redis counts %lld jobs of %lld", all, wanted);
	if (wrong_exits || t->fell)
		cli_fail(CLI_ERROR, "%zu supervisors ended by themselves, %d did not end well",
			t->fell, wrong_exits);
	return !all_counted || all != wanted || wrong_exits || t->fell || failed || c.lost ||
			       c.unexcused || r.wrong || r.items.missing || r.items.again > r.most
		       ? CLI_ERROR
		       : CLI_OK;
}
