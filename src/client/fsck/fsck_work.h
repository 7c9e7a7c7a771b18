/*
 * client/fsck_work: one run of drover_fsck while it goes on; what fsck.c, fsck_read.c and
 * fsck_suspects.c share. All answer as queue/ask.h says, with the sentence in `err`.
 */
#ifndef DROVER_CLIENT_FSCK_WORK_H
#define DROVER_CLIENT_FSCK_WORK_H

#include "client/fsck/fsck.h"

/* Ids in two places that one run looks into: each costs Redis a search in a list. */
#define FSCK_TWICE_MOST 200

struct fsck {
	struct drover_client *c;
	struct fsck_image im;
	struct fsck_findings found;
	struct fsck_jobs jobs;
	struct fsck_jobs parts;	  /* of runs, by those */
	struct fsck_set suspects; /* ids */
	struct fsck_seens seens;
	struct texts runs;  /* pairs jid, the whole record as it was before the second walk */
	struct texts locks; /* of jobs that wait: four a lock, key, field or "", jid, value */
	bool parked;	    /* there are parked jobs */
	bool many;	    /* more ids seemed to stand twice than are looked into */
	long long n_jobs;
	struct err err;
};

/* Asks, where a key of another type is told as such and holds nothing else that could be wrong. */
int fsck_ask(struct fsck *k, struct words *w, struct texts *out);
/* A whole key; `more` NULL, or the last word of a ZRANGE. */
int fsck_read(struct fsck *k, const char *command, const char *key, struct span rest,
	const char *more, struct texts *out);

/* Everything but the jobs in their places, and what the checks say of it (fsck_read.c). */
int fsck_read_small(struct fsck *k);
int fsck_read_owners(struct fsck *k);
int fsck_read_delayed(struct fsck *k);
int fsck_read_runs(struct fsck *k);

/* The jobs in their places; and the suspects, walked for again (fsck_suspects.c). */
int fsck_find_jobs(struct fsck *k);

#endif
