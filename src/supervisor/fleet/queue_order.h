/*
 * queue_order: in which order a pool's queues are searched. Pure: it is told which queues Redis
 * knows and answers with names; it reads no clock and no Redis.
 *
 * A list is read as Resque reads one: blanks around a part are trimmed, "!part" excludes. With a
 * glob or an exclusion in it the list is dynamic: each part stands for those known queues that
 * match, in bytewise order, and a plain name too is searched only once it is known. Otherwise it
 * is searched as it stands, known or not.
 *
 * With weights each part is given its share of first places: a part of weight 5 beside one of
 * weight 1 comes first in 5 of 6 fetches, evenly spread, always the same way. The queues a
 * weighted glob stands for take turns within its share. Shares of starts follow from shares of
 * first places while all queues have work and fetches take the same number of jobs.
 */
#ifndef DROVER_SUPERVISOR_QUEUE_ORDER_H
#define DROVER_SUPERVISOR_QUEUE_ORDER_H

#include <stdbool.h>
#include <stddef.h>

#include "base/text.h"

struct queue_order;

/*
 * `weights` (n, each at least 1) or NULL for priority. Everything is copied. NULL where nothing is
 * left to search: an empty list, or exclusions alone.
 */
struct queue_order *queue_order_new(char *const *list, size_t n, const int *weights);
void queue_order_free(struct queue_order *q); /* NULL is fine */

/* Whether queue_order_set_known matters; false for a static list. */
bool queue_order_is_dynamic(const struct queue_order *q);

/*
 * The members of Resque's set of queues, in any order; copied. Until the first call a dynamic
 * list has no queue. Returns true where the queues to search are others than before, which is
 * when the watch in Redis is to be renewed.
 */
bool queue_order_set_known(struct queue_order *q, const struct span *names, size_t n);

/*
 * The order for one fetch, most urgent first, n may be 0. Weighted: each call is a turn. The names
 * are the order's, valid until the next call of queue_order_next or _set_known.
 */
void queue_order_next(struct queue_order *q, const struct span **names, size_t *n);

/* All queues, in file order, without taking a turn: what is watched. Valid as above. */
void queue_order_all(struct queue_order *q, const struct span **names, size_t *n);

/* The list in a Resque worker id: the parts as written, exclusions left out, with commas. */
const char *queue_order_id_suffix(const struct queue_order *q);

#endif
