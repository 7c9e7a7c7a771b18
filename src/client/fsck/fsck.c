/*
 * client/fsck: reads all keys, asks the checks, looks at every suspicion again and mends what may
 * be mended; see fsck.h and drover_fsck in include/drover/client.h.
 */
#include <string.h>

#include "client/fsck/fsck_work.h"
#include "queue/scripts.h"

static void check_names(struct fsck *k)
{
	fsck_check_types(&k->im, &k->found);
	fsck_check_queues(&k->im, &k->found);
	fsck_check_supervisors(&k->im, &k->found);
	fsck_check_unique(&k->im, &k->found);
	fsck_check_workers(&k->im, &k->found);
	fsck_check_runs(&k->im, &k->found);
	fsck_check_ids(&k->im, &k->found);
	fsck_check_scheduler(&k->im, &k->found);
	fsck_check_counters(&k->im, &k->found);
	fsck_check_uploads(&k->im, &k->found);
}

static int collect(struct fsck *k)
{
	int rc = inspect_time(&k->c->in, &k->im.now_ms, &k->err);

	if (rc == 0)
		rc = fsck_keys_load(k->c, &k->im.keys, &k->err);
	if (rc == 0)
		rc = fsck_read_small(k);
	if (rc == 0)
		rc = fsck_read_owners(k);
	if (rc == 0)
		check_names(k);
	if (rc == 0)
		rc = fsck_find_jobs(k);
	if (rc == 0)
		rc = fsck_read_delayed(k);
	return rc == 0 ? fsck_read_runs(k) : rc;
}

enum again { GONE = 0, HOLDS = 1, MENDED = 2 };

static bool is_about_types(const struct err *err)
{
	return strstr(err->text, "WRONGTYPE") != NULL;
}

/* Below 0: as queue/ask.h says. */
static int look_again(struct fsck *k, const struct fsck_finding *f, bool mend)
{
	struct words w = {0};
	int64_t answer = 0;
	int rc;

	words_add_str(&w, "EVAL"); /* whole: hardly any connection needs it */
	words_add_str(&w, script_fsck.text);
	words_add_int(&w, 0);
	words_add_str(&w, k->c->prefix);
	words_add_str(&w, mend ? "mend" : "look");
	words_add_str(&w, fsck_kinds[f->kind].name);
	words_add(&w, fsck_span(&f->where));
	for (size_t i = 0; i < f->words.n; i++) {
		size_t from = i ? f->words.ends[i - 1] : 0;

		words_add(&w, (struct span){f->words.bytes.data + from, f->words.ends[i] - from});
	}
	rc = ask_number(k->c->redis, &w, &answer, &k->err);
	if (rc < 0 && rc != ASK_LOST && is_about_types(&k->err))
		return GONE; /* the type of the key is the finding */
	return rc < 0 ? rc : (int)answer;
}

static void tell(const struct fsck_finding *f, bool mended, drover_finding_fn *fn, void *ctx,
	struct drover_fsck_sum *sum)
{
	const struct fsck_kind_facts *kind = &fsck_kinds[f->kind];
	struct drover_finding finding = {.kind = internal_give(span_of(kind->name)),
		.notice = kind->notice,
		.where = internal_give_text(&f->where),
		.text = internal_give_text(&f->text),
		.repair = internal_give(span_of(kind->repair)),
		.mended = mended};

	*(kind->notice ? &sum->notices : &sum->findings) += 1;
	sum->mended += mended;
	sum->left += !kind->notice && !mended;
	fn(ctx, &finding);
}

static bool is_twice(const struct fsck_finding *f)
{
	return f->kind == FSCK_JOB_TWICE || f->kind == FSCK_JOB_SAME_ID;
}

/* What is pushed while a list is walked seems to stand twice, too: only if all did there are more. */
static void tell_many(
	struct fsck *k, size_t twice, drover_finding_fn *fn, void *ctx, struct drover_fsck_sum *sum)
{
	if (k->many && twice >= FSCK_TWICE_MOST)
		tell(fsck_add(&k->found, FSCK_JOB_MANY, "", SPAN_LIT(""),
			     "more than %d ids stand in more than one place; the others were not "
			     "looked into",
			     FSCK_TWICE_MOST),
			false, fn, ctx, sum);
}

static int tell_all(
	struct fsck *k, bool repair, drover_finding_fn *fn, void *ctx, struct drover_fsck_sum *sum)
{
	size_t twice = 0;

	for (size_t i = 0; i < k->found.n; i++) {
		int rc = look_again(k, &k->found.items[i], repair);

		if (rc < 0)
			return rc;
		if (rc == GONE)
			continue;
		twice += is_twice(&k->found.items[i]);
		tell(&k->found.items[i], rc == MENDED, fn, ctx, sum);
	}
	tell_many(k, twice, fn, ctx, sum);
	return 0;
}

static void fini(struct fsck *k)
{
	struct texts *const texts[] = {&k->im.supervisors, &k->im.taken, &k->im.queues,
		&k->im.parked, &k->im.workers, &k->im.claimed, &k->im.heartbeats, &k->im.times,
		&k->im.pauses, &k->runs, &k->locks};

	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
		texts_fini(texts[i]);
	fsck_keys_fini(&k->im.keys);
	fsck_set_fini(&k->im.tokens);
	fsck_set_fini(&k->im.in_flight);
	fsck_set_fini(&k->suspects);
	fsck_findings_fini(&k->found);
	fsck_jobs_fini(&k->jobs);
	fsck_jobs_fini(&k->parts);
	fsck_seens_fini(&k->seens);
}

int drover_fsck(struct drover_client *c, bool repair, drover_finding_fn *fn, void *ctx,
	struct drover_fsck_sum *sum, struct drover_error *error)
{
	struct fsck k = {.c = c};
	int rc = collect(&k), failed;

	*sum = (struct drover_fsck_sum){0};
	failed = rc < 0 ? internal_read_failed(error, rc, &k.err) : 0;
	if (rc == 0) {
		sum->keys = (long long)k.im.keys.n;
		sum->jobs = k.n_jobs;
		rc = tell_all(&k, repair, fn, ctx, sum);
		if (rc < 0 && repair)
			failed = internal_write_failed(error, rc, &k.err, "all of it was mended");
		else if (rc < 0)
			failed = internal_read_failed(error, rc, &k.err);
	}
	fini(&k);
	return failed;
}
