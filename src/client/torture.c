/* client/torture: see torture.h. In drover. It must never touch a key of another namespace. */
#include "client/torture.h"

#include <stdio.h>
#include <string.h>

#include "base/must.h"
#include "client/internal.h"
#include "queue/keys.h"

enum { AT_ONCE = 500 };

int torture_count(struct drover_client *c, long long *processed, long long *failed,
	struct drover_error *error)
{
	struct err err = {0};
	int64_t all = 0, bad = 0;
	int rc = inspect_counters(&c->in, &all, &bad, &err);

	*processed = all;
	*failed = bad;
	return rc < 0 ? internal_read_failed(error, rc, &err) : 0;
}

int torture_run_done(struct drover_client *c, const char *jid, long long *done, long long *errors,
	struct drover_error *error)
{
	struct texts record = {0};
	struct err err = {0};
	int rc = inspect_run(&c->in, span_of(jid), &record, &err);
	bool ended = rc == 0 && span_is(texts_value(&record, "state"), "done");

	*done = ask_to_number(texts_value(&record, "done"), 0);
	*errors = ask_to_number(texts_value(&record, "errors"), 0);
	texts_fini(&record);
	return rc < 0 ? internal_read_failed(error, rc, &err) : ended;
}

/* One RPUSH of so many. */
static int push_some(struct drover_client *c, const char *queue, const char *class_name,
	char *const *jids, size_t n, struct err *err)
{
	struct words w = {0};
	struct text item = {0};
	int64_t size;
	int rc;

	words_add(&w, SPAN_LIT("RPUSH"));
	words_add_key(&w, c->prefix, KEY_QUEUE, span_of(queue));
	for (size_t i = 0; i < n; i++) {
		text_clear(&item);
		text_addf(&item, "{\"class\":\"%s\",\"args\":[],\"jid\":\"%s\"}", class_name,
			jids[i]);
		words_add(&w, (struct span){item.data, item.len});
	}
	rc = ask_number(c->redis, &w, &size, err);
	words_fini(&w);
	text_fini(&item);
	return rc;
}

static int know_queue(struct drover_client *c, const char *queue, struct err *err)
{
	struct words w = {0};
	int64_t added;
	int rc;

	words_add(&w, SPAN_LIT("SADD"));
	words_add_key(&w, c->prefix, KEY_QUEUES, (struct span){"", 0});
	words_add_str(&w, queue);
	rc = ask_number(c->redis, &w, &added, err);
	words_fini(&w);
	return rc;
}

int torture_push(struct drover_client *c, const char *queue, const char *class_name,
	char *const *jids, size_t n, struct drover_error *error)
{
	struct err err = {0};
	int rc = know_queue(c, queue, &err);

	for (size_t i = 0; i < n && rc == 0; i += AT_ONCE)
		rc = push_some(
			c, queue, class_name, jids + i, n - i < AT_ONCE ? n - i : AT_ONCE, &err);
	return rc < 0 ? internal_write_failed(error, rc, &err, "all jobs were enqueued") : 0;
}

/* One step of SCAN: `found` is the next cursor, then names. */
static int scan(struct drover_client *c, struct texts *found, const char *cursor, struct err *err)
{
	struct words w = {0};
	int rc;

	words_add(&w, SPAN_LIT("SCAN"));
	words_add_str(&w, cursor);
	words_add(&w, SPAN_LIT("MATCH"));
	words_add_key(&w, c->prefix, "*", (struct span){"", 0});
	words_add(&w, SPAN_LIT("COUNT"));
	words_add(&w, SPAN_LIT("500"));
	rc = ask_texts(c->redis, &w, found, err);
	words_fini(&w);
	return rc;
}

/* MATCH reads the prefix as a pattern, so each name is compared besides. */
static int unlink_keys(
	struct drover_client *c, const struct texts *found, int64_t *removed, struct err *err)
{
	size_t len = strlen(c->prefix);
	struct words w = {0};
	int rc = 0;

	words_add(&w, SPAN_LIT("UNLINK"));
	for (size_t i = 1; i < found->n; i++) {
		struct span key = texts_at(found, i);

		if (key.len > len && memcmp(key.at, c->prefix, len) == 0)
			words_add(&w, key);
	}
	*removed = 0;
	if (w.n > 1)
		rc = ask_number(c->redis, &w, removed, err);
	words_fini(&w);
	return rc;
}

long long torture_remove_keys(struct drover_client *c, struct drover_error *error)
{
	char cursor[24] = "0";
	long long all = 0;
	struct err err = {0};
	int rc = 0;

	must(strncmp(c->prefix, TORTURE_NAMESPACE, strlen(TORTURE_NAMESPACE)) == 0);
	do {
		struct texts found = {0};
		int64_t removed = 0;

		rc = scan(c, &found, cursor, &err);
		if (rc == 0)
			rc = unlink_keys(c, &found, &removed, &err);
		all += removed;
		snprintf(cursor, sizeof cursor, "%.*s", (int)texts_at(&found, 0).len,
			found.n ? texts_at(&found, 0).at : "0");
		texts_fini(&found);
	} while (rc == 0 && strcmp(cursor, "0") != 0);
	return rc < 0 ? internal_read_failed(error, rc, &err) : all;
}
