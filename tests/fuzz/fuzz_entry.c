/* Whatever stands in a lease: what is read lies inside of it, in order, and says the same again. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "queue/entry.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_order(const struct entry *e, struct span text)
{
	const struct span parts[] = {e->jid, e->worker, e->queue, e->payload};
	const char *at = text.at;

	for (size_t i = 0; i < 4; i++) {
		if (parts[i].at < at || parts[i].at + parts[i].len > text.at + text.len)
			abort();
		at = parts[i].at + parts[i].len;
	}
	if (at != text.at + text.len)
		abort();
}

static bool same(struct span a, struct span b)
{
	return a.len == b.len && (a.len == 0 || memcmp(a.at, b.at, a.len) == 0);
}

static void check_again(const struct entry *e)
{
	struct text again = {0};
	struct entry second;
	struct err err;

	text_addf(&again, "%s %lld ", e->started ? "started" : "taken", (long long)e->taken_at_ms);
	text_add_span(&again, e->jid);
	text_addf(&again, " %zu ", e->worker.len);
	text_add_span(&again, e->worker);
	text_addf(&again, " %zu ", e->queue.len);
	text_add_span(&again, e->queue);
	text_add_char(&again, ' ');
	text_add_span(&again, e->payload);
	if (entry_read(&second, (struct span){again.data, again.len}, &err) < 0 ||
		second.started != e->started || second.taken_at_ms != e->taken_at_ms ||
		!same(second.jid, e->jid) || !same(second.worker, e->worker) ||
		!same(second.queue, e->queue) || !same(second.payload, e->payload))
		abort();
	text_fini(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span text = {(const char *)data, size};
	struct entry e;
	struct err err = {""};

	if (entry_read(&e, text, &err) < 0) {
		if (err.text[0] == '\0')
			abort();
		return 0;
	}
	check_order(&e, text);
	check_again(&e);
	return 0;
}
