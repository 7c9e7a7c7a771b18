/*
 * What another start left in its folder: the text of `about`, and the records of its journal. The
 * first byte chooses. What is read lies inside of the input; what it says, written and read again,
 * says the same.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "supervisor/state/journal_record.h"
#include "supervisor/state/state_dir.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_inside(struct span s, struct span text)
{
	if (s.len > 0 && (s.at < text.at || s.at + s.len > text.at + text.len))
		abort();
}

static bool same(struct span a, struct span b)
{
	return a.len == b.len && (a.len == 0 || memcmp(a.at, b.at, a.len) == 0);
}

static void check_again(const struct verdict *v)
{
	struct text bytes = {0};
	struct journal_head head;
	struct verdict second;
	struct span body, *pairs;

	journal_record_add_verdict(&bytes, 7, 9, v);
	if (!journal_record_read((struct span){bytes.data, bytes.len}, &head, &body) ||
		head.kind != JOURNAL_VERDICT || head.epoch != 7 || head.id != 9 ||
		!journal_record_verdict(body, &second, &pairs))
		abort();
	if (second.kind != v->kind || second.order != v->order || !same(second.token, v->token) ||
		!same(second.text, v->text) || second.record.n_pairs != v->record.n_pairs)
		abort();
	for (size_t i = 0; i < v->record.n_pairs; i++)
		if (!same(pairs[i], v->record.pairs[i]))
			abort();
	free(pairs);
	text_fini(&bytes);
}

static void try_body(struct span text)
{
	struct verdict v;
	struct span *pairs;

	if (!journal_record_verdict(text, &v, &pairs))
		return;
	check_inside(v.token, text);
	check_inside(v.text, text);
	for (size_t i = 0; i < v.record.n_pairs; i++)
		check_inside(pairs[i], text);
	check_again(&v);
	free(pairs);
}

static void try_record(struct span text)
{
	struct journal_head head;
	struct span body;

	if (journal_record_read(text, &head, &body))
		check_inside(body, text);
}

static void try_about(struct span text)
{
	struct state_about first, second;
	struct text again = {0};
	struct err err = {""};

	if (state_about_read(&first, text, &err) < 0) {
		if (err.text[0] == '\0')
			abort();
		return;
	}
	state_about_write(&again, &first);
	if (state_about_read(&second, (struct span){again.data, again.len}, &err) < 0 ||
		strcmp(first.lease, second.lease) != 0 || first.pid != second.pid)
		abort();
	state_about_fini(&first);
	state_about_fini(&second);
	text_fini(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static void (*const TRIES[])(struct span) = {try_about, try_record, try_body};
	struct span text = {(const char *)data + 1, size - 1};

	if (size > 0)
		TRIES[data[0] % 3](text);
	return 0;
}
