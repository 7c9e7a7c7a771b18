/*
 * journal_record: the bytes of the journal. Numbers are of this machine: the file never leaves it.
 * Pure.
 */
#ifndef DROVER_SUPERVISOR_JOURNAL_RECORD_H
#define DROVER_SUPERVISOR_JOURNAL_RECORD_H

#include <stdbool.h>
#include <stdint.h>

#include "base/text.h"
#include "queue/verbs.h"

enum journal_kind { JOURNAL_VERDICT = 1, JOURNAL_STRIKE = 2 };

struct journal_head {
	uint32_t size; /* of the whole record */
	uint32_t kind;
	uint64_t epoch;
	uint64_t id;  /* of the verdict, noted or struck out */
	uint64_t sum; /* over all but this member */
};

_Static_assert(sizeof(struct journal_head) == 32, "layout is a contract");

void journal_record_add_verdict(
	struct text *out, uint64_t epoch, uint64_t id, const struct verdict *v);
void journal_record_add_strike(struct text *out, uint64_t epoch, uint64_t id);

/*
 * Reads the record at the front of `bytes`: its head, and *body, which points into it. False where
 * none stands there whole.
 */
bool journal_record_read(struct span bytes, struct journal_head *head, struct span *body);

/*
 * A verdict; it points into `body`, and into `*pairs`, which the caller frees. False where the
 * body is none.
 */
bool journal_record_verdict(struct span body, struct verdict *out, struct span **pairs);

#endif
