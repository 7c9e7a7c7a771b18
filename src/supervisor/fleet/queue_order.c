/*
 * queue_order: see queue_order.h. Runs in droverd; a decider: no clock, no I/O.
 *
 * Weights are turned into an order by smooth round-robin: each turn every part that has a queue
 * earns its weight, the richest comes first and pays the sum. So 5 and 1 give a a a b a a, not
 * five in a row, and nobody's credit can grow beyond the sum while it waits.
 */
#include "supervisor/fleet/queue_order.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/glob.h"
#include "base/must.h"

struct part {
	char *pattern;
	int weight;
	int64_t credit;
	size_t from, n; /* its queues in `all` */
	size_t turn;	/* which of them comes first when the part does */
};

struct queue_order {
	struct part *parts, **ranked;
	size_t n_parts;
	char **excluded;
	size_t n_excluded;
	bool dynamic, weighted;
	struct span *all, *next; /* room for all of them in each */
	size_t n_all;
	char *bytes; /* of the names in both */
	char *suffix;
};

static bool is_blank(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

static char *trimmed(const char *s)
{
	size_t len;

	while (is_blank(*s))
		s++;
	len = strlen(s);
	while (len > 0 && is_blank(s[len - 1]))
		len--;
	return must_strndup(s, len);
}

/* A part that is empty as written is none; one of blanks is the queue without a name. */
static void add_part(struct queue_order *q, const char *written, int weight)
{
	char *s;

	if (*written == '\0')
		return;
	s = trimmed(written);
	if (*s == '!') {
		q->excluded[q->n_excluded++] = must_strdup(s + 1);
		free(s);
		q->dynamic = true;
		return;
	}
	q->dynamic = q->dynamic || glob_is_pattern(s);
	q->parts[q->n_parts++] = (struct part){.pattern = s, .weight = weight};
}

static char *make_suffix(const struct queue_order *q)
{
	struct text t = {0};

	for (size_t i = 0; i < q->n_parts; i++) {
		if (i > 0)
			text_add_char(&t, ',');
		text_add_str(&t, q->parts[i].pattern);
	}
	return text_take(&t);
}

/* Takes `all` (our array of strangers' bytes) as the queues, the bytes copied. */
static void keep_names(struct queue_order *q, struct span *all, size_t n)
{
	struct text bytes = {0};
	size_t at = 0;

	for (size_t i = 0; i < n; i++)
		text_add_span(&bytes, all[i]);
	free(q->all);
	free(q->bytes);
	q->all = all;
	q->n_all = n;
	q->bytes = text_take(&bytes);
	for (size_t i = 0; i < n; i++) {
		all[i].at = q->bytes + at;
		at += all[i].len;
	}
	q->next = must_realloc(q->next, (n + 1) * sizeof *q->next);
}

static void keep_static(struct queue_order *q)
{
	struct span *all = must_alloc(q->n_parts * sizeof *all);

	for (size_t i = 0; i < q->n_parts; i++) {
		q->parts[i].from = i;
		q->parts[i].n = 1;
		all[i] = span_of(q->parts[i].pattern);
	}
	keep_names(q, all, q->n_parts);
}

struct queue_order *queue_order_new(char *const *list, size_t n, const int *weights)
{
	struct queue_order *q = must_alloc(sizeof *q);

	q->parts = must_alloc((n + 1) * sizeof *q->parts);
	q->ranked = must_alloc((n + 1) * sizeof(struct part *));
	q->excluded = must_alloc((n + 1) * sizeof(char *));
	q->weighted = weights != NULL;
	for (size_t i = 0; i < n; i++)
		add_part(q, list[i], weights ? weights[i] : 1);
	if (q->n_parts == 0) {
		queue_order_free(q);
		return NULL;
	}
	q->suffix = make_suffix(q);
	if (!q->dynamic)
		keep_static(q);
	return q;
}

void queue_order_free(struct queue_order *q)
{
	if (!q)
		return;
	for (size_t i = 0; i < q->n_parts; i++)
		free(q->parts[i].pattern);
	for (size_t i = 0; i < q->n_excluded; i++)
		free(q->excluded[i]);
	free(q->all);
	free(q->bytes);
	free(q->parts);
	free(q->ranked);
	free(q->excluded);
	free(q->next);
	free(q->suffix);
	free(q);
}

bool queue_order_is_dynamic(const struct queue_order *q)
{
	return q->dynamic;
}

static int compare_bytes(const void *a, const void *b)
{
	const struct span *x = a, *y = b;
	size_t shorter = x->len < y->len ? x->len : y->len;
	int order = shorter > 0 ? memcmp(x->at, y->at, shorter) : 0;

	return order ? order : (x->len > y->len) - (x->len < y->len);
}

static bool is_excluded(const struct queue_order *q, struct span name)
{
	for (size_t i = 0; i < q->n_excluded; i++)
		if (glob_match(span_of(q->excluded[i]), name))
			return true;
	return false;
}

/* What the list leaves of the known names: sorted, each once. Returns how many. */
static size_t sift(
	const struct queue_order *q, const struct span *names, size_t n, struct span *out)
{
	size_t kept = 0;

	for (size_t i = 0; i < n; i++)
		if (!is_excluded(q, names[i]))
			out[kept++] = names[i];
	qsort(out, kept, sizeof *out, compare_bytes);
	n = kept;
	kept = 0;
	for (size_t i = 0; i < n; i++)
		if (kept == 0 || compare_bytes(&out[kept - 1], &out[i]) != 0)
			out[kept++] = out[i];
	return kept;
}

/*
 * Moves the names that match from `known` to `all` at `n_all`: a name belongs to the first part
 * that it matches. Returns how many are left in `known`.
 */
static size_t give_part(
	struct part *part, struct span *known, size_t n, struct span *all, size_t n_all)
{
	size_t left = 0;

	part->from = n_all;
	for (size_t i = 0; i < n; i++) {
		if (glob_match(span_of(part->pattern), known[i]))
			all[n_all++] = known[i];
		else
			known[left++] = known[i];
	}
	part->n = n_all - part->from;
	part->turn = part->n > 0 ? part->turn % part->n : 0;
	return left;
}

static bool are_same(const struct queue_order *q, const struct span *all, size_t n)
{
	if (q->n_all != n)
		return false;
	for (size_t i = 0; i < n; i++)
		if (compare_bytes(&q->all[i], &all[i]) != 0)
			return false;
	return true;
}

bool queue_order_set_known(struct queue_order *q, const struct span *names, size_t n)
{
	struct span *known, *all;
	size_t n_all = 0, left;
	bool same;

	if (!q->dynamic)
		return false;
	known = must_alloc((n + 1) * sizeof *known);
	all = must_alloc((n + 1) * sizeof *all);
	left = sift(q, names, n, known);
	for (size_t i = 0; i < q->n_parts; i++) {
		struct part *part = &q->parts[i];

		left = give_part(part, known, left, all, n_all);
		n_all += part->n;
	}
	same = are_same(q, all, n_all);
	keep_names(q, all, n_all);
	free(known);
	return !same;
}

void queue_order_all(struct queue_order *q, const struct span **names, size_t *n)
{
	*names = q->all;
	*n = q->n_all;
}

/* Richest first; among equals the one that stands first in the file. */
static int compare_credit(const void *a, const void *b)
{
	const struct part *x = *(struct part *const *)a, *y = *(struct part *const *)b;

	if (x->credit != y->credit)
		return x->credit < y->credit ? 1 : -1;
	return (x > y) - (x < y);
}

/* Earns, ranks and pays; returns how many parts have a queue. */
static size_t rank_parts(struct queue_order *q)
{
	int64_t sum = 0;
	size_t n = 0;

	for (size_t i = 0; i < q->n_parts; i++) {
		struct part *part = &q->parts[i];

		if (part->n == 0)
			continue;
		part->credit += part->weight;
		sum += part->weight;
		q->ranked[n++] = part;
	}
	qsort(q->ranked, n, sizeof *q->ranked, compare_credit);
	if (n > 0)
		q->ranked[0]->credit -= sum;
	return n;
}

static size_t put_part(struct queue_order *q, const struct part *part, size_t at)
{
	for (size_t i = 0; i < part->n; i++)
		q->next[at++] = q->all[part->from + (part->turn + i) % part->n];
	return at;
}

void queue_order_next(struct queue_order *q, const struct span **names, size_t *n)
{
	size_t n_ranked, at = 0;

	if (!q->weighted) {
		queue_order_all(q, names, n);
		return;
	}
	n_ranked = rank_parts(q);
	for (size_t i = 0; i < n_ranked; i++)
		at = put_part(q, q->ranked[i], at);
	if (n_ranked > 0)
		q->ranked[0]->turn = (q->ranked[0]->turn + 1) % q->ranked[0]->n;
	must(at == q->n_all);
	*names = q->next;
	*n = at;
}

const char *queue_order_id_suffix(const struct queue_order *q)
{
	return q->suffix;
}
