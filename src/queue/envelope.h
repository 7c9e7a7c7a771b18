/*
 * queue/envelope: what a payload says about its job, read without touching its bytes. A payload
 * is carried as the client wrote it; when something must be added to it (jid, our counters) the
 * members are appended to the text, and whatever else stands in it stays.
 */
#ifndef DROVER_QUEUE_ENVELOPE_H
#define DROVER_QUEUE_ENVELOPE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/text.h"

#define JID_MAX 128
#define JID_OWN 24 /* hex digits of the ids we make */

struct envelope {
	struct text class_name; /* decoded */
	struct text jid;	/* empty: the payload has none */
	struct span args;	/* bytes in the payload; "[]" where absent or null */
	struct text origin;	/* from `drover.origin`; empty: enqueued */
	int64_t attempt;	/* 1 .. */
	int64_t interruptions, recoveries;
	bool track;   /* drover.track: a run record is kept */
	bool overlap; /* drover.overlap: fired by a schedule that counts its jobs */
	struct text
		lost_by; /* drover.lost_by: the worker whose supervisor died with it; empty: none */
	struct text tick; /* drover.tick: nominal time of a firing, RFC 3339; empty: none */
	int64_t at_ms;	  /* `at` in wall ms; 0: not said */

	/* Of an iterating job: what `drover run` was told, which wins over the class. */
	int64_t from, to, limit; /* -1: not said */
	int64_t parallel;	 /* 0: not said */
	struct text csv;	 /* drover.csv: the uploaded file; empty: none */
	struct text parent;	 /* drover.parent: the run this is a part of; empty: of none */
	int64_t part;		 /* ENVELOPE_NO_PART, ENVELOPE_END, 0 .. */
	int64_t retry;		 /* round of retry-errors; 0: it is none */
};

#define ENVELOPE_NO_PART (-2)
#define ENVELOPE_END	 (-1) /* all parts are done: this job ends their run */

/*
 * Reads `payload`, which must outlive `e`. -1 where it is no JSON object with a class (a string
 * that is not empty), its jid or args are malformed, and so on; `err` is the sentence for the
 * failure record, and what could be read until then is in `e` all the same.
 */
int envelope_read(struct envelope *e, struct span payload, struct err *err);
void envelope_fini(struct envelope *e);

/* "A-Za-z0-9._:-", 1 to JID_MAX of them. */
bool envelope_jid_valid(struct span jid);

/* Fills 25 bytes with a new id. */
void envelope_new_jid(char *out);

/* A new payload: {"class":CLASS,"args":ARGS,"jid":JID,"at":SECONDS[,"drover":{..}]}. */
struct envelope_new {
	struct span class_name, args_json;
	const char *jid;
	int64_t now_ms;
	bool track, overlap;
	const char *origin, *tick;	  /* NULL: not said */
	const struct envelope_each *each; /* NULL: nothing to say */
};

/* What is said of an iterating job; ENVELOPE_EACH says nothing. See struct envelope. */
struct envelope_each {
	int64_t from, to, limit, parallel;
	struct span csv, parent;
	int64_t part, retry;
};
#define ENVELOPE_EACH .from = -1, .to = -1, .limit = -1, .part = ENVELOPE_NO_PART

void envelope_compose(struct text *out, const struct envelope_new *n);

/*
 * `payload` with its jid and the given members of our `drover` replaced: the old ones are cut
 * out, the new ones are appended as the last; other members of `drover` stay. The payload must be
 * one that envelope_read accepted.
 */
struct envelope_change {
	struct span jid;
	const char *origin; /* NULL: left out */
	struct span
		lost_by; /* the worker that had it when its supervisor died; .len 0: as it was */
	int64_t attempt, interruptions, recoveries;
	bool track;
};
void envelope_rewrite(struct text *out, struct span payload, const struct envelope_change *c);

#endif
