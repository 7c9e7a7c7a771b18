/*
 * cli/judge: what the settings of a server mean for the jobs in it, in words. Pure: figures
 * in, sentences out; cli/check gets the figures.
 */
#ifndef DROVER_CLI_JUDGE_H
#define DROVER_CLI_JUDGE_H

#include "base/text.h"
#include "drover/client.h"

enum judge_level { JUDGE_OK, JUDGE_WARNING, JUDGE_ERROR };

struct judge_findings {
	struct {
		enum judge_level level;
		struct text text;
	} items[32];
	size_t n;
};

void judge_add(struct judge_findings *f, enum judge_level level, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
void judge_findings_fini(struct judge_findings *f);
enum judge_level judge_worst(const struct judge_findings *f);
const char *judge_level_name(enum judge_level level);

void judge_server(struct judge_findings *f, const struct drover_server *s);

/* Places in which jobs wait for something else than a worker; and whether all do. */
void judge_held(struct judge_findings *f, const struct drover_stats *s);

/* Says how safe a job that was just enqueued is; true where nothing that could be known is open. */
bool judge_durable(const struct drover_durable *d, struct text *words);

/* Jobs in leases that are over. `ids`: the first JUDGE_IDS of them, with commas between. */
#define JUDGE_IDS 8
struct judge_lost {
	long long jobs, leases;
	struct text ids;
};
void judge_lost_jobs(struct judge_findings *f, const struct judge_lost *lost);

#endif
