/* journal_record: see journal_record.h. droverd. Pure. */
#include "supervisor/state/journal_record.h"
#include "base/must.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

/*
 * What a verdict holds. A member is appended to its table, never put in between: who reads takes
 * what there is, and what an older version did not write stays zero. next_record is left out: the
 * worker is gone and goes on with nothing. `locks` is left out: who reads has Redis look for them.
 */
static const size_t NUMBERS[] = {
	offsetof(struct verdict, order), offsetof(struct verdict, delay_ms)};
static const size_t SPANS[] = {offsetof(struct verdict, token), offsetof(struct verdict, worker),
	offsetof(struct verdict, queue), offsetof(struct verdict, text),
	offsetof(struct verdict, jid), offsetof(struct verdict, why),
	offsetof(struct verdict, record.audit), offsetof(struct verdict, position),
	offsetof(struct verdict, follow)};

enum {
	N_NUMBERS = sizeof NUMBERS / sizeof *NUMBERS,
	N_SPANS = sizeof SPANS / sizeof *SPANS,
	KIND_LAST = VERDICT_KINDS - 1
};

/* In front of the numbers, the spans, and the pairs of the run record. */
struct counts {
	uint32_t kind, numbers, spans, pairs;
};

static uint64_t mix(uint64_t sum, uint64_t word)
{
	sum = (sum ^ word) * 0x9e3779b97f4a7c15u;
	return sum ^ (sum >> 29);
}

/* Against a record that was written in part, over an older one; nobody forges it. */
static uint64_t sum_of(const struct journal_head *h, struct span body)
{
	uint64_t sum = mix(mix(h->size, h->kind), mix(h->epoch, h->id)), word;
	size_t i = 0;

	for (; i + sizeof word <= body.len; i += sizeof word) {
		memcpy(&word, body.at + i, sizeof word);
		sum = mix(sum, word);
	}
	word = 0;
	if (i < body.len)
		memcpy(&word, body.at + i, body.len - i);
	return mix(sum, word);
}

/* -- writing ----------------------------------------------------------------------------------------- */

static size_t begin(struct text *out)
{
	static const struct journal_head empty;
	size_t at = out->len;

	text_add(out, (const char *)&empty, sizeof empty);
	return at;
}

static void end(struct text *out, size_t at, struct journal_head head)
{
	struct span body = {out->data + at + sizeof head, out->len - at - sizeof head};

	must(body.len < UINT32_MAX - sizeof head);
	head.size = (uint32_t)(out->len - at);
	head.sum = sum_of(&head, body);
	memcpy(out->data + at, &head, sizeof head);
}

static void add_span(struct text *out, struct span s)
{
	uint32_t len = (uint32_t)s.len;

	text_add(out, (const char *)&len, sizeof len);
	text_add(out, s.at, s.len);
}

void journal_record_add_verdict(
	struct text *out, uint64_t epoch, uint64_t id, const struct verdict *v)
{
	const struct counts counts = {
		(uint32_t)v->kind, N_NUMBERS, N_SPANS, (uint32_t)v->record.n_pairs};
	const char *base = (const char *)v;
	size_t at = begin(out);

	text_add(out, (const char *)&counts, sizeof counts);
	for (int i = 0; i < N_NUMBERS; i++)
		text_add(out, base + NUMBERS[i], sizeof(int64_t));
	for (int i = 0; i < N_SPANS; i++) {
		struct span s;

		memcpy(&s, base + SPANS[i], sizeof s);
		add_span(out, s);
	}
	for (size_t i = 0; i < v->record.n_pairs; i++)
		add_span(out, v->record.pairs[i]);
	end(out, at, (struct journal_head){.kind = JOURNAL_VERDICT, .epoch = epoch, .id = id});
}

void journal_record_add_strike(struct text *out, uint64_t epoch, uint64_t id)
{
	size_t at = begin(out);

	end(out, at, (struct journal_head){.kind = JOURNAL_STRIKE, .epoch = epoch, .id = id});
}

/* -- reading ------------------------------------------------------------------------------------------ */

bool journal_record_read(struct span bytes, struct journal_head *head, struct span *body)
{
	if (bytes.len < sizeof *head)
		return false;
	memcpy(head, bytes.at, sizeof *head);
	if (head->size < sizeof *head || head->size > bytes.len)
		return false;
	*body = (struct span){bytes.at + sizeof *head, head->size - sizeof *head};
	return head->sum == sum_of(head, *body);
}

static bool take(struct span *from, void *out, size_t size)
{
	if (from->len < size)
		return false;
	memcpy(out, from->at, size);
	from->at += size;
	from->len -= size;
	return true;
}

static bool take_span(struct span *from, struct span *out)
{
	uint32_t len;

	if (!take(from, &len, sizeof len) || from->len < len)
		return false;
	*out = (struct span){from->at, len};
	from->at += len;
	from->len -= len;
	return true;
}

static bool take_numbers(struct span *from, uint32_t n, struct verdict *out)
{
	int64_t number;

	for (uint32_t i = 0; i < n; i++) {
		if (!take(from, &number, sizeof number))
			return false;
		if (i < N_NUMBERS)
			memcpy((char *)out + NUMBERS[i], &number, sizeof number);
	}
	return true;
}

static bool take_spans(struct span *from, uint32_t n, struct verdict *out)
{
	struct span s;

	for (uint32_t i = 0; i < n; i++) {
		if (!take_span(from, &s))
			return false;
		if (i < N_SPANS)
			memcpy((char *)out + SPANS[i], &s, sizeof s);
	}
	return true;
}

bool journal_record_verdict(struct span body, struct verdict *out, struct span **pairs)
{
	const struct span empty = {"", 0};
	struct counts counts;

	*out = (struct verdict){.locks = true};
	*pairs = NULL;
	for (int i = 0; i < N_SPANS; i++)
		memcpy((char *)out + SPANS[i], &empty, sizeof empty);
	if (!take(&body, &counts, sizeof counts) || counts.kind > KIND_LAST ||
		!take_numbers(&body, counts.numbers, out) ||
		!take_spans(&body, counts.spans, out) || counts.pairs > body.len)
		return false;
	*pairs = must_alloc((counts.pairs + 1) * sizeof **pairs);
	out->kind = counts.kind;
	out->record.pairs = *pairs;
	out->record.n_pairs = counts.pairs;
	for (uint32_t i = 0; i < counts.pairs; i++)
		if (!take_span(&body, &(*pairs)[i])) {
			free(*pairs);
			*pairs = NULL;
			return false;
		}
	return true;
}
