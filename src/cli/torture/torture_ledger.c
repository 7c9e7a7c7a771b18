/* cli/torture_ledger: see torture_ledger.h. In drover. Pure. */
#include "cli/torture/torture_ledger.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/must.h"

enum { WORDS = 7 };
enum { AT_WORD, AT_JID, AT_TOKEN, AT_LEASE, AT_PID, AT_MS, AT_OTHER };

/* -- reading ------------------------------------------------------------------------------- */

static size_t split(struct span line, struct span words[WORDS])
{
	size_t n = 0;

	while (line.len > 0 && n < WORDS) {
		const char *blank = memchr(line.at, ' ', line.len);
		size_t len = blank ? (size_t)(blank - line.at) : line.len;

		words[n++] = (struct span){line.at, len};
		line.at += blank ? len + 1 : len;
		line.len -= blank ? len + 1 : len;
	}
	return n;
}

static int64_t number(struct span s)
{
	int64_t n = 0;

	for (size_t i = 0; i < s.len && s.at[i] >= '0' && s.at[i] <= '9' && n < INT64_MAX / 16; i++)
		n = 10 * n + (s.at[i] - '0');
	return n;
}

/* NAME:PID:RANDOM, and a name may hold colons. */
static int supervisor_of(struct span lease)
{
	const char *last = memrchr(lease.at, ':', lease.len), *first;

	first = last ? memrchr(lease.at, ':', (size_t)(last - lease.at)) : NULL;
	return first ? (int)number((struct span){first + 1, (size_t)(last - first - 1)}) : 0;
}

static void add_run(struct torture_ledger *l, const struct span w[WORDS])
{
	if (l->n == l->cap) {
		l->cap = l->cap ? 2 * l->cap : 256;
		l->runs = must_realloc(l->runs, l->cap * sizeof *l->runs);
	}
	l->runs[l->n++] = (struct torture_run){.jid = w[AT_JID],
		.pid = (int)number(w[AT_PID]),
		.supervisor = supervisor_of(w[AT_LEASE]),
		.beside = span_is(w[AT_WORD], "beside") ? (int)number(w[AT_OTHER]) : 0,
		.begin_ms = number(w[AT_MS]),
		.end_ms = -1};
}

static int compare_jid(struct span a, struct span b)
{
	size_t len = a.len < b.len ? a.len : b.len;
	int order = memcmp(a.at, b.at, len);

	return order ? order : (a.len > b.len) - (a.len < b.len);
}

/* An end stands behind its begin, not far away: a job is short, and few run at once. */
static void add_end(struct torture_ledger *l, const struct span w[WORDS])
{
	int pid = (int)number(w[AT_PID]);

	for (size_t i = l->n; i-- > 0;) {
		struct torture_run *r = &l->runs[i];

		if (r->pid != pid || compare_jid(r->jid, w[AT_JID]) != 0)
			continue;
		r->end_ms = number(w[AT_MS]);
		return;
	}
}

static int compare_runs(const void *a, const void *b)
{
	const struct torture_run *x = a, *y = b;
	int order = compare_jid(x->jid, y->jid);

	return order ? order : (x->begin_ms > y->begin_ms) - (x->begin_ms < y->begin_ms);
}

void torture_ledger_read(struct torture_ledger *l, struct span text)
{
	const char *end = text.at + text.len, *stop;

	l->n = 0;
	for (const char *p = text.at; p < end; p = stop + 1) {
		struct span words[WORDS];

		stop = memchr(p, '\n', (size_t)(end - p));
		if (stop == NULL)
			break; /* it is being written */
		if (split((struct span){p, (size_t)(stop - p)}, words) != WORDS)
			continue;
		if (span_is(words[AT_WORD], "end"))
			add_end(l, words);
		else
			add_run(l, words);
	}
	if (l->n > 0)
		qsort(l->runs, l->n, sizeof *l->runs, compare_runs);
}

void torture_ledger_fini(struct torture_ledger *l)
{
	free(l->runs);
	*l = (struct torture_ledger){0};
}

/* -- judging ------------------------------------------------------------------------------- */

/* How many runs from `first` on are of the same job. */
static size_t same_job(const struct torture_ledger *l, size_t first)
{
	size_t n = 1;

	while (first + n < l->n && compare_jid(l->runs[first].jid, l->runs[first + n].jid) == 0)
		n++;
	return n;
}

static size_t count_ends(const struct torture_run *runs, size_t n)
{
	size_t ends = 0;

	for (size_t i = 0; i < n; i++)
		ends += runs[i].end_ms >= 0;
	return ends;
}

size_t torture_ledger_done(const struct torture_ledger *l)
{
	size_t done = 0;

	for (size_t i = 0, n; i < l->n; i += n) {
		n = same_job(l, i);
		done += count_ends(l->runs + i, n) > 0;
	}
	return done;
}

struct judge {
	const struct torture_fault *faults;
	size_t n_faults;
	struct torture_count *out;
};

/* A fault that struck this run, before that moment. */
static bool was_struck(
	const struct judge *j, const struct torture_run *r, int64_t until_ms, bool lost_lease_only)
{
	for (size_t i = 0; i < j->n_faults; i++) {
		const struct torture_fault *f = &j->faults[i];

		if (f->kind == TORTURE_NURSERY || f->kind == TORTURE_PAUSE ||
			(lost_lease_only && f->kind != TORTURE_STOP))
			continue;
		if ((f->pid == r->pid || f->pid == r->supervisor) && f->end_ms >= r->begin_ms &&
			f->begin_ms <= until_ms)
			return true;
	}
	return false;
}

/* Its supervisor had lost the job when it began it, and did not know that yet. */
static bool had_lost_it(const struct judge *j, const struct torture_run *r)
{
	return was_struck(j, r, r->begin_ms, true);
}

static bool is_beside_excused(const struct judge *j, const struct torture_run *runs, size_t n,
	const struct torture_run *r)
{
	for (size_t i = 0; i < n; i++)
		if (runs[i].pid == r->beside && was_struck(j, &runs[i], r->begin_ms, true))
			return true;
	return had_lost_it(j, r);
}

static void judge_job(const struct judge *j, const struct torture_run *runs, size_t n)
{
	size_t ends = count_ends(runs, n);

	j->out->done += ends > 0;
	j->out->twice += ends > 1;
	j->out->again += n > 1;
	for (size_t i = 0; i < n; i++) {
		if (i > 0 && !was_struck(j, &runs[i - 1], runs[i].begin_ms, false) &&
			!had_lost_it(j, &runs[i]))
			j->out->unexcused++;
		j->out->beside += runs[i].beside != 0;
		if (runs[i].beside && !is_beside_excused(j, runs, n, &runs[i]))
			j->out->unexcused++;
	}
}

static int compare_key(const void *key, const void *run)
{
	return compare_jid(*(const struct span *)key, ((const struct torture_run *)run)->jid);
}

void torture_ledger_judge(const struct torture_ledger *l, char *const *jids, size_t n_jids,
	const struct torture_fault *faults, size_t n_faults, struct torture_count *out)
{
	const struct judge judge = {faults, n_faults, out};

	*out = (struct torture_count){.jobs = n_jids};
	for (size_t i = 0; i < n_jids; i++) {
		struct span key = span_of(jids[i]);
		const struct torture_run *found =
			l->n ? bsearch(&key, l->runs, l->n, sizeof *l->runs, compare_key) : NULL;

		if (found == NULL)
			continue;
		while (found > l->runs && compare_jid(found[-1].jid, key) == 0)
			found--;
		judge_job(&judge, found, same_job(l, (size_t)(found - l->runs)));
	}
	out->lost = n_jids - out->done;
}
