/*
 * Whatever a client pushes: it is read or refused with a reason; rewritten, it is a payload still
 * with the bytes of all members that are not ours; its failure record is valid JSON in valid UTF-8,
 * for our scanner and for jansson, with every byte of the payload in it.
 */
#include <jansson.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/json_scan.h"
#include "queue/envelope.h"
#include "queue/failure.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define SPAN_TEXT(t) ((struct span){(t).data, (t).len})

static void demand(bool holds)
{
	if (!holds)
		abort();
}

static bool same(struct span a, struct span b)
{
	return a.len == b.len && (a.len == 0 || memcmp(a.at, b.at, a.len) == 0);
}

static bool is_ours(struct span key)
{
	return span_is(key, "jid") || span_is(key, "drover");
}

/* Names and values of all members but ours, as they stand. */
static void list_others(void *ctx, struct span key, enum json_kind kind, struct span value)
{
	(void)kind;
	if (is_ours(key))
		return;
	text_add_span(ctx, key);
	text_add_char(ctx, '\n');
	text_add_span(ctx, value);
	text_add_char(ctx, '\n');
}

static void count_ours(void *ctx, struct span key, enum json_kind kind, struct span value)
{
	(void)kind, (void)value;
	*(int *)ctx += is_ours(key);
}

/* All that jansson does not take is what it is known not to take: see fuzz_json_scan.c. */
static bool jansson_takes(struct span text)
{
	const size_t flags = JSON_ALLOW_NUL | JSON_DECODE_INT_AS_REAL;
	json_t *root = json_loadb(text.at, text.len, flags, NULL);
	bool taken = json_is_object(root);

	json_decref(root);
	return taken;
}

static void check_rewrite(const struct envelope *e, struct span payload)
{
	const struct envelope_change change = {.jid = SPAN_LIT("j9"),
		.origin = "resumed",
		.attempt = e->attempt,
		.interruptions = e->interruptions + 1,
		.recoveries = e->recoveries,
		.track = e->track};
	struct text out = {0}, before = {0}, after = {0};
	struct envelope again;
	struct err err;
	int ours = 0;

	envelope_rewrite(&out, payload, &change);
	demand(envelope_read(&again, SPAN_TEXT(out), &err) == 0);
	demand(same(SPAN_TEXT(again.class_name), SPAN_TEXT(e->class_name)));
	demand(same(again.args, e->args));
	demand(span_is(SPAN_TEXT(again.jid), "j9") && span_is(SPAN_TEXT(again.origin), "resumed"));
	demand(again.attempt == e->attempt && again.recoveries == e->recoveries);
	demand(again.track == e->track && again.at_ms == e->at_ms);
	json_scan(payload, list_others, &before, &err);
	json_scan(SPAN_TEXT(out), list_others, &after, &err);
	json_scan(SPAN_TEXT(out), count_ours, &ours, &err);
	demand(same(SPAN_TEXT(before), SPAN_TEXT(after)) && ours == 2);
	/* The other way round it need not hold: what jansson refuses may stand in a member we cut out. */
	demand(!jansson_takes(payload) || jansson_takes(SPAN_TEXT(out)));
	envelope_fini(&again);
	text_fini(&out);
	text_fini(&before);
	text_fini(&after);
}

/* Of a record whose payload was kept as a string. */
static void check_kept(struct span record, struct span payload)
{
	json_t *root = json_loadb(record.at, record.len, JSON_ALLOW_NUL, NULL);
	const json_t *string = json_object_get(root, "payload");
	struct text base64 = {0}, mended = {0};

	demand(root != NULL && json_is_string(string));
	text_add_utf8(&mended, payload);
	demand(same(SPAN_TEXT(mended),
		(struct span){json_string_value(string), json_string_length(string)}));
	text_add_base64(&base64, payload);
	if (utf8_valid(payload))
		demand(json_object_get(root, "payload_base64") == NULL);
	else
		demand(strcmp(json_string_value(json_object_get(root, "payload_base64")),
			       base64.data) == 0);
	text_fini(&base64);
	text_fini(&mended);
	json_decref(root);
}

/* What the job said and printed are the payload's own bytes: whatever they are, nothing may break. */
static void check_failure(struct span payload, bool readable)
{
	const struct failure f = {.failed_at_ms = INT64_C(1795289183000),
		.payload = payload,
		.payload_readable = readable,
		.exception = SPAN_LIT("Drover::BadPayload"),
		.error = payload,
		.backtrace_lines = payload,
		.worker = SPAN_LIT("host:1:low"),
		.queue = payload};
	struct text out = {0};
	struct err err;

	failure_write(&out, &f);
	demand(utf8_valid(SPAN_TEXT(out)));
	if (readable) {
		demand(memmem(out.data, out.len, payload.at, payload.len) != NULL);
		demand(jansson_takes(payload) == jansson_takes(SPAN_TEXT(out)));
	} else {
		demand(json_scan(SPAN_TEXT(out), NULL, NULL, &err) == JSON_KIND_OBJECT);
		check_kept(SPAN_TEXT(out), payload);
	}
	text_fini(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span payload = {(const char *)data, size};
	struct envelope e;
	struct err err = {""};
	bool readable = envelope_read(&e, payload, &err) == 0;

	demand(readable || err.text[0] != '\0');
	demand(e.attempt >= 0 && e.interruptions >= 0 && e.recoveries >= 0 && e.at_ms >= 0);
	demand(e.jid.len == 0 || envelope_jid_valid(SPAN_TEXT(e.jid)));
	if (readable)
		check_rewrite(&e, payload);
	check_failure(payload, readable);
	envelope_fini(&e);
	return 0;
}
