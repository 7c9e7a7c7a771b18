/* client/server: counters, and what the server says of itself; see include/drover/client.h. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "client/internal.h"
#include "queue/waiting.h"

#define READ_AT_ONCE 1000

/* -- counters ------------------------------------------------------------------------------ */

static int count_queues(struct drover_client *c, struct drover_stats *s, struct err *err)
{
	struct texts names = {0};
	int rc = inspect_queues(&c->in, &names, err);

	s->queues = (long long)names.n;
	for (size_t i = 0; rc == 0 && i < names.n; i++) {
		int64_t size = 0;

		rc = inspect_queue_size(&c->in, texts_at(&names, i), &size, err);
		if (rc == ASK_WRONG_TYPE)
			rc = 0;
		s->waiting += size;
	}
	texts_fini(&names);
	return rc;
}

static int count_foreign(struct drover_client *c, struct drover_stats *s, struct err *err)
{
	struct texts seconds = {0};
	int rc = 0;

	for (int64_t from = 0; rc == 0; from += READ_AT_ONCE) {
		rc = waiting_foreign_seconds(&c->in, from, READ_AT_ONCE, &seconds, err);
		for (size_t i = 0; rc == 0 && i < seconds.n; i++) {
			int64_t size = 0;

			rc = waiting_foreign_size(&c->in, texts_at(&seconds, i), &size, err);
			s->delayed_resque += size;
		}
		if (seconds.n < READ_AT_ONCE)
			break;
	}
	texts_fini(&seconds);
	return rc;
}

static int count_held(struct drover_client *c, struct drover_stats *s, struct err *err)
{
	struct texts classes = {0};
	int64_t delayed = 0, paused = 0;
	int rc = waiting_delayed_size(&c->in, &delayed, err);

	s->delayed = delayed;
	if (rc == 0)
		rc = waiting_paused_size(&c->in, &paused, err);
	s->paused_jobs = paused;
	if (rc == 0)
		rc = waiting_parked_classes(&c->in, &classes, err);
	for (size_t i = 0; rc == 0 && i < classes.n; i++) {
		int64_t size = 0;

		rc = waiting_parked_size(&c->in, texts_at(&classes, i), &size, err);
		s->parked += size;
	}
	texts_fini(&classes);
	return rc < 0 ? rc : count_foreign(c, s, err);
}

static int count_workers(struct drover_client *c, struct drover_stats *s, struct err *err)
{
	struct texts ids = {0}, record = {0};
	int rc = inspect_workers(&c->in, &ids, err);

	s->workers = (long long)ids.n;
	for (size_t i = 0; rc == 0 && i < ids.n; i++) {
		rc = inspect_worker(&c->in, texts_at(&ids, i), &record, err);
		if (rc == ASK_WRONG_TYPE) {
			texts_fini(&record);
			rc = 0;
		}
		s->working += rc == 0 && record.n && texts_at(&record, 0).len > 0;
	}
	texts_fini(&ids);
	texts_fini(&record);
	return rc;
}

static int count_rest(struct drover_client *c, struct drover_stats *s, struct err *err)
{
	struct texts some = {0};
	int64_t processed = 0, failed = 0, records = 0;
	int rc = inspect_counters(&c->in, &processed, &failed, err);

	if (rc == 0)
		rc = inspect_failed_size(&c->in, &records, err);
	if (rc == 0)
		rc = inspect_leases(&c->in, &some, err);
	s->supervisors = (long long)(some.n / 2);
	if (rc == 0)
		rc = inspect_paused(&c->in, &some, &s->paused, err);
	texts_fini(&some);
	s->processed = processed;
	s->failed = failed;
	s->failed_records = records;
	return rc;
}

int drover_stats_read(
	struct drover_client *c, struct drover_stats *stats, struct drover_error *error)
{
	struct err err = {0};
	int rc;

	*stats = (struct drover_stats){0};
	rc = count_queues(c, stats, &err);
	if (rc == 0)
		rc = count_held(c, stats, &err);
	if (rc == 0)
		rc = count_workers(c, stats, &err);
	if (rc == 0)
		rc = count_rest(c, stats, &err);
	return rc < 0 ? internal_read_failed(error, rc, &err) : 0;
}

/* -- the server ---------------------------------------------------------------------------- */

/* The value of "NAME:value\r\n" in the answer of INFO; "" where it is not there. */
static void find_info(struct span info, const char *name, char *out, size_t size)
{
	size_t len = strlen(name);

	*out = '\0';
	while (info.len) {
		const char *end = memchr(info.at, '\n', info.len);
		size_t line = end ? (size_t)(end - info.at) : info.len;

		if (line > len && info.at[len] == ':' && memcmp(info.at, name, len) == 0) {
			size_t n = line - len - 1;

			n -= n && info.at[line - 1] == '\r';
			snprintf(out, size, "%.*s", (int)n, info.at + len + 1);
			return;
		}
		line += end ? 1 : 0;
		info.at += line;
		info.len -= line;
	}
}

static long long to_number(const char *text)
{
	return ask_to_number(span_of(text), DROVER_UNKNOWN);
}

static void read_info(struct drover_server *s, struct span info)
{
	char text[64];

	find_info(info, "redis_version", s->version, sizeof s->version);
	find_info(info, "role", s->role, sizeof s->role);
	find_info(info, "maxmemory_policy", s->maxmemory_policy, sizeof s->maxmemory_policy);
	find_info(info, "maxmemory", text, sizeof text);
	s->maxmemory = to_number(text);
	find_info(info, "connected_slaves", text, sizeof text);
	s->replicas = to_number(text);
	find_info(info, "aof_enabled", text, sizeof text);
	s->appendonly = (int)to_number(text);
}

/* CONFIG is refused by some hosts of Redis; then the setting stays unknown. */
static int read_setting(
	struct drover_client *c, const char *name, char *out, size_t size, struct err *err)
{
	struct words w = {0};
	struct texts pair = {0};
	int rc;

	words_add_str(&w, "CONFIG");
	words_add_str(&w, "GET");
	words_add_str(&w, name);
	rc = ask_texts(c->redis, &w, &pair, err);
	if (rc == 0 && pair.n == 2)
		snprintf(out, size, "%.*s", (int)texts_at(&pair, 1).len, texts_at(&pair, 1).at);
	else
		snprintf(out, size, "?");
	texts_fini(&pair);
	return rc == ASK_LOST ? rc : 0;
}

static int read_settings(struct drover_client *c, struct drover_server *s, struct err *err)
{
	char text[256];
	int rc = read_setting(c, "appendfsync", s->appendfsync, sizeof s->appendfsync, err);

	if (rc == 0)
		rc = read_setting(c, "save", text, sizeof text, err);
	if (rc < 0)
		return rc;
	s->snapshots = strcmp(text, "?") == 0 ? -1 : *text != '\0';
	if (strcmp(s->appendfsync, "?") == 0)
		*s->appendfsync = '\0';
	rc = read_setting(c, "min-replicas-to-write", text, sizeof text, err);
	s->min_replicas_to_write = to_number(text);
	return rc;
}

static int read_clock(struct drover_client *c, struct drover_server *s, struct err *err)
{
	int64_t theirs = 0, wall = clock_wall_ms(), before = clock_mono_ms();
	int rc = inspect_time(&c->in, &theirs, err);

	s->clock_within_ms = clock_mono_ms() - before;
	s->clock_ahead_ms = theirs - (wall + s->clock_within_ms / 2);
	return rc;
}

int drover_server_read(
	struct drover_client *c, struct drover_server *server, struct drover_error *error)
{
	struct words w = {0};
	struct texts info = {0};
	struct err err = {0};
	int rc;

	*server = (struct drover_server){0};
	words_add_str(&w, "INFO");
	rc = ask_texts(c->redis, &w, &info, &err);
	if (rc == 0)
		read_info(server, texts_at(&info, 0));
	if (rc == 0)
		rc = read_settings(c, server, &err);
	if (rc == 0)
		rc = read_clock(c, server, &err);
	texts_fini(&info);
	return rc < 0 ? internal_read_failed(error, rc, &err) : 0;
}
