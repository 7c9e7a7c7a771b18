/*
 * items/batch: what one SCAN answered, put in order, so that a place in it has a short name. Pure.
 *
 * Redis promises of SCAN that who goes on from a cursor, however often it was used before, sees all
 * that is there from then on to the end. Within an answer there is no order, and the same cursor may
 * answer something else later. So an item's cursor is "SERVER FROM TO HASH": who was asked, with which
 * cursor of SCAN, where it said to go on, and the hash of the member; members are given by their hash.
 * To go on is to ask FROM again and to leave out what has no higher hash, but only where the answer
 * ends at the same TO: what was between those two then has been given, or is given behind TO. Where
 * the answer ends elsewhere (the table has grown or shrunk), it may hold members from behind TO, and
 * all of it is given again. So a member that is there all the time is never left out, and what is
 * repeated is one answer of SCAN at most.
 *
 * Another server, or the same one restarted, keeps its members in another order, and a cursor of SCAN
 * means nothing to it: everything is given again, unless it fits into one answer then and now.
 */
#ifndef DROVER_ITEMS_BATCH_H
#define DROVER_ITEMS_BATCH_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/text.h"

struct batch_member {
	uint64_t hash;
	struct span name, value; /* in the answer they came with; value: of a hash */
};

struct batch {
	uint64_t server;   /* which one answered; 0: it does not tell, and is taken for the same */
	uint64_t from, to; /* cursors of SCAN; `to` 0: there is no more behind it */
	struct batch_member *members;
	size_t n, cap;
	size_t next; /* the first that was not given */
};

/* Another answer comes: it is empty. */
void batch_begin(struct batch *b, uint64_t server, uint64_t from);
void batch_add(struct batch *b, uint64_t hash, struct span name, struct span value);
/* All of it has been added: sorts it, members that came twice once. */
void batch_end(struct batch *b, uint64_t to);
void batch_fini(struct batch *b);

/* It stays what it is for ever: cursors outlive the process. */
uint64_t batch_hash(struct span name);

struct batch_cursor {
	uint64_t server, from, to, hash;
	bool has_hash; /* else nothing of that answer has been passed */
};
int batch_cursor_parse(struct batch_cursor *c, struct span text, struct err *err);

/* What to ask this server to go on there. */
uint64_t batch_cursor_from(const struct batch_cursor *c, uint64_t server);

/* Members that were given before this cursor was named are passed, where that can be known. */
void batch_skip(struct batch *b, const struct batch_cursor *c);

/* The cursor that names the member given last, which is next - 1; in place of what `out` held. */
void batch_name(const struct batch *b, struct text *out);

#endif
