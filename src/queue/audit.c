/* queue/audit: see audit.h. Runs in drover and in programs with libdrover. */
#include "base/clock.h"
#include "base/json_scan.h"
#include "queue/audit.h"
#include "queue/keys.h"
#include "queue/waiting.h"

static void add_member(struct text *out, const char *name, const char *value)
{
	if (!value)
		return;
	text_addf(out, ",\"%s\":", name);
	text_add_json(out, span_of(value));
}

void audit_write(
	struct text *out, int64_t wall_ms, const char *what, const char *detail, const char *by)
{
	char at[CLOCK_TEXT_SIZE];

	text_addf(out, "{\"at\":\"%s\",\"what\":\"%s\"", clock_rfc3339(wall_ms, at), what);
	add_member(out, "by", by);
	add_member(out, "detail", detail);
	text_add_char(out, '}');
}

void audit_add_key(struct words *w, const char *prefix, struct span jid)
{
	words_add_run_key(w, prefix, jid, KEY_AUDIT);
}

int audit_read(const struct inspect *in, struct span jid, struct text *json, struct err *err)
{
	struct texts entries = {0};
	struct words w = {0};
	struct err bad;
	bool more = false;
	int rc;

	words_add_str(&w, "LRANGE");
	audit_add_key(&w, in->prefix, jid);
	words_add_str(&w, "0");
	words_add_str(&w, "-1");
	rc = ask_texts(in->redis, &w, &entries, err);
	text_add_char(json, '[');
	for (size_t i = 0; rc == 0 && i < entries.n; i++) {
		struct span entry = texts_at(&entries, i);

		if (json_scan(entry, NULL, NULL, &bad) != JSON_KIND_OBJECT)
			continue;
		text_add_str(json, more ? "," : "");
		text_add_span(json, entry);
		more = true;
	}
	text_add_char(json, ']');
	texts_fini(&entries);
	return rc;
}
