/*
 * script_bytes PREFIX LEASE ROUNDS BATCH FETCH_SHA FINISH_SHA: writes what droverd would send for
 * that many fetches of BATCH jobs, each followed by the verdicts on them. The arguments are put
 * together by src/queue/verbs.c itself; only the connection below it is replaced by one that
 * writes to standard output and never reads. For the bench: what the scripts alone can do.
 */
#include "base/must.h"
#include "queue/verbs.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BATCH_MAX = 128, KEEP_MS = 7 * 86400 * 1000, PAYLOAD_MAX = 8 << 20 };

static const char *fetch_sha, *finish_sha;

static void put_word(struct span s)
{
	printf("$%zu\r\n", s.len);
	fwrite(s.at ? s.at : "", 1, s.len, stdout);
	fputs("\r\n", stdout);
}

static void put_command(size_t n_head, const struct span *head, size_t n, const struct span *words)
{
	printf("*%zu\r\n", n_head + n);
	for (size_t i = 0; i < n_head; i++)
		put_word(head[i]);
	for (size_t i = 0; i < n; i++)
		put_word(words[i]);
}

/* -- the connection that verbs.c finds ----------------------------------------------------------- */

bool redis_is_up(const struct redis *r)
{
	(void)r;
	return true;
}

bool redis_send(
	struct redis *r, redis_reply_fn *fn, void *ctx, size_t argc, const struct span *argv)
{
	(void)r, (void)fn, (void)ctx;
	put_command(0, NULL, argc, argv);
	return true;
}

bool redis_send_script(struct redis *r, const struct redis_script *s, redis_reply_fn *fn, void *ctx,
	size_t n_keys, size_t argc, const struct span *argv)
{
	const char *sha = strcmp(s->name, "fetch") == 0 ? fetch_sha : finish_sha;
	struct span head[] = {{"EVALSHA", 7}, span_of(sha), {NULL, 0}};
	char keys[24];

	(void)r, (void)fn, (void)ctx;
	snprintf(keys, sizeof keys, "%zu", n_keys);
	head[2] = span_of(keys);
	put_command(3, head, argc, argv);
	return true;
}

/* -- what is sent ---------------------------------------------------------------------------------- */

static char workers[BATCH_MAX][64];

static void put_fetch(struct verbs *v, long number, size_t batch)
{
	static char jids[BATCH_MAX][40];
	struct verbs_wanted wanted[BATCH_MAX];
	const struct span queue = span_of("bench");

	for (size_t i = 0; i < batch; i++) {
		snprintf(jids[i], sizeof jids[i], "%016lx%08zx", (unsigned long)number, i);
		wanted[i] = (struct verbs_wanted){.worker = span_of(workers[i]), .jid = jids[i]};
	}
	must(verbs_fetch(
		v, span_of("main~1"), number, PAYLOAD_MAX, &queue, 1, wanted, batch, NULL, NULL));
}

/* Tokens are POOL.NUMBER.I, so they are known before the answer is. */
static void put_finish(struct verbs *v, long number, size_t batch)
{
	static const struct verbs_keep keep = {KEEP_MS, KEEP_MS};
	static char tokens[BATCH_MAX][64];
	struct verdict verdicts[BATCH_MAX];

	for (size_t i = 0; i < batch; i++) {
		snprintf(tokens[i], sizeof tokens[i], "main~1.%ld.%zu", number, i + 1);
		verdicts[i] = (struct verdict){.kind = VERDICT_DONE,
			.token = span_of(tokens[i]),
			.worker = span_of(workers[i]),
			.queue = span_of("bench"),
			.jid = span_of("")};
	}
	must(verbs_finish(v, verdicts, batch, &keep, NULL, NULL));
}

int main(int argc, char **argv)
{
	struct verbs v = {.lease_ms = 15000};
	size_t batch = argc == 7 ? strtoul(argv[4], NULL, 10) : 0;

	if (batch < 1 || batch > BATCH_MAX) {
		fputs("script_bytes PREFIX LEASE ROUNDS BATCH FETCH_SHA FINISH_SHA; BATCH 1 to "
		      "128\n",
			stderr);
		return 64;
	}
	v.prefix = argv[1];
	v.lease = argv[2];
	fetch_sha = argv[5];
	finish_sha = argv[6];
	for (size_t i = 0; i < batch; i++)
		snprintf(workers[i], sizeof workers[i], "bench.%zu:4711:bench", i + 1);
	for (long number = 1; number <= strtol(argv[3], NULL, 10); number++) {
		put_fetch(&v, number, batch);
		put_finish(&v, number, batch);
	}
	words_fini(&v.words);
	return fflush(stdout) == 0 ? 0 : 1;
}
