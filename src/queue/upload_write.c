/*
 * queue/upload_write: see upload.h. Runs in drover and in programs with libdrover. Reads the file
 * once, from its front, so that it may be a pipe; no more than a few chunks of it are in memory.
 */
#include "queue/upload.h"
#include "base/must.h"
#include "base/random.h"
#include "queue/keys.h"
#include "queue/scripts.h"

#include <errno.h>
#include <openssl/evp.h>
#include <string.h>
#include <unistd.h>

enum {
	ON_THE_WAY = 4, /* chunks that are sent before an answer is waited for */
	REMOVE_AT_ONCE = 500
};

struct upload {
	struct redis *redis;
	const struct upload_wish *wish;
	struct upload_written *out;
	EVP_MD_CTX *sha1;
	struct text chunk, packed;
	size_t on_the_way;
	int failed; /* one of ASK_*: what the answer to an earlier chunk was */
	struct err why;
};

/* -- a chunk on its way -------------------------------------------------------------------------- */

static void fail(struct upload *u, const struct redis_reply *reply)
{
	if (u->failed)
		return;
	u->failed = reply ? ASK_REFUSED : ASK_LOST;
	if (reply)
		err_set(&u->why, "Redis answers: %.*s",
			(int)(reply->text.len < 400 ? reply->text.len : 400), reply->text.at);
	else
		err_set(&u->why, "the connection was lost in the middle of the upload");
}

static void on_written(void *ctx, const struct redis_reply *reply)
{
	if (!reply || reply->type == REDIS_ERROR)
		fail(ctx, reply);
}

static void chunk_words(struct upload *u, struct words *w)
{
	struct text name = {0};

	text_addf(&name, "%s:%lld", u->out->id, (long long)u->out->about.chunks);
	words_add_str(w, "SET");
	words_add_key(w, u->wish->prefix, KEY_CSV, (struct span){name.data, name.len});
	words_add(w, (struct span){u->packed.data, u->packed.len});
	words_add_str(w, "PX");
	words_add_int(w, u->wish->expire_ms);
	text_fini(&name);
}

/* Waiting for one is waiting for all before it: answers come in order. */
static int send_chunk(struct upload *u, struct err *err)
{
	const struct redis_reply *reply;
	struct words w = {0};
	int rc = 0;

	chunk_words(u, &w);
	if (++u->on_the_way < ON_THE_WAY &&
		redis_send(u->redis, on_written, u, w.n, words_spans(&w))) {
		words_fini(&w);
		return 0;
	}
	u->on_the_way = 0;
	reply = redis_call(u->redis, err, w.n, words_spans(&w));
	words_fini(&w);
	if (!reply)
		rc = ASK_LOST;
	else if (reply->type == REDIS_ERROR)
		fail(u, reply);
	if (u->failed) {
		*err = u->why;
		rc = u->failed;
	}
	return rc;
}

/* -- the file ------------------------------------------------------------------------------------- */

/* A whole chunk, or what is left; a pipe gives it in pieces. */
static int read_chunk(struct upload *u, int fd, struct err *err)
{
	text_clear(&u->chunk);
	text_reserve(&u->chunk, UPLOAD_CHUNK_BYTES);
	while (u->chunk.len < UPLOAD_CHUNK_BYTES) {
		ssize_t n =
			read(fd, u->chunk.data + u->chunk.len, UPLOAD_CHUNK_BYTES - u->chunk.len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			err_errno(err, "reading it");
			return UPLOAD_UNREADABLE;
		}
		if (n == 0)
			break;
		u->chunk.len += (size_t)n;
	}
	return 0;
}

static int write_chunk(struct upload *u, struct err *err)
{
	struct span chunk = {u->chunk.data, u->chunk.len};
	struct upload_about *a = &u->out->about;
	int rc;

	if ((int64_t)chunk.len > u->wish->max_bytes - a->bytes) {
		err_set(err, "it has more than %lld bytes", (long long)u->wish->max_bytes);
		return UPLOAD_TOO_LARGE;
	}
	must(EVP_DigestUpdate(u->sha1, chunk.at, chunk.len) == 1);
	upload_pack(&u->packed, chunk);
	rc = send_chunk(u, err);
	a->bytes += (int64_t)chunk.len;
	a->chunks++;
	u->out->packed_bytes += (int64_t)u->packed.len;
	return rc;
}

static int write_chunks(struct upload *u, int fd, struct err *err)
{
	int rc;

	do {
		rc = read_chunk(u, fd, err);
		if (rc == 0 && u->chunk.len > 0)
			rc = write_chunk(u, err);
	} while (rc == 0 && u->chunk.len == UPLOAD_CHUNK_BYTES);
	return rc;
}

/* -- what is said of it ----------------------------------------------------------------------------- */

static void digest(struct upload *u, char hex[41])
{
	unsigned char bytes[EVP_MAX_MD_SIZE];
	unsigned len = 0;

	must(EVP_DigestFinal_ex(u->sha1, bytes, &len) == 1 && len == 20);
	for (unsigned i = 0; i < len; i++) {
		hex[2 * i] = "0123456789abcdef"[bytes[i] >> 4];
		hex[2 * i + 1] = "0123456789abcdef"[bytes[i] & 15];
	}
	hex[40] = '\0';
}

static void add_number(struct words *w, const char *name, int64_t n)
{
	words_add_str(w, name);
	words_add_int(w, n);
}

static int write_about(struct upload *u, struct err *err)
{
	const struct upload_about *a = &u->out->about;
	struct words w = {0};
	int64_t whole = 0;
	char sha1[41];
	int rc;

	digest(u, sha1);
	words_add_key(&w, u->wish->prefix, KEY_CSV, span_of(u->out->id));
	words_add_int(&w, a->chunks);
	words_add_int(&w, u->wish->expire_ms);
	add_number(&w, "bytes", a->bytes);
	add_number(&w, "chunk_bytes", a->chunk_bytes);
	add_number(&w, "chunks", a->chunks);
	words_add_str(&w, "name");
	words_add(&w, u->wish->name);
	words_add_str(&w, "sha1");
	words_add_str(&w, sha1);
	rc = ask_script_number(u->redis, &script_upload, 1, &w, &whole, err);
	if (rc < 0 || whole == 1)
		return rc;
	if (u->failed)
		*err = u->why;
	else
		err_set(err, "its first parts expired before all of it was there");
	return u->failed ? u->failed : ASK_REFUSED;
}

/* -- removing --------------------------------------------------------------------------------------- */

static int remove_keys(
	struct redis *r, const char *prefix, struct span id, int64_t chunks, struct err *err)
{
	int rc = 0;

	for (int64_t from = 0; rc == 0 && from < chunks; from += REMOVE_AT_ONCE) {
		struct words w = {0};
		int64_t n = 0;

		words_add_str(&w, "UNLINK");
		for (int64_t i = from; i < chunks && i < from + REMOVE_AT_ONCE; i++) {
			struct text name = {0};

			text_addf(&name, "%.*s:%lld", (int)id.len, id.at, (long long)i);
			words_add_key(&w, prefix, KEY_CSV, (struct span){name.data, name.len});
			text_fini(&name);
		}
		rc = ask_number(r, &w, &n, err);
	}
	return rc;
}

int upload_remove(struct redis *r, const char *prefix, struct span id, struct err *err)
{
	struct words w = {0};
	int64_t chunks = 0, gone = 0;
	int rc;

	words_add_str(&w, "HGET");
	words_add_key(&w, prefix, KEY_CSV, id);
	words_add_str(&w, "chunks");
	rc = ask_number(r, &w, &chunks, err);
	/* First the hash: nobody begins to read what is going. */
	if (rc == 0) {
		words_add_str(&w, "UNLINK");
		words_add_key(&w, prefix, KEY_CSV, id);
		rc = ask_number(r, &w, &gone, err);
	}
	if (rc == 0)
		rc = remove_keys(r, prefix, id, chunks, err);
	return rc < 0 ? rc : gone > 0;
}

/* One more than was counted: the last one may have arrived though its answer did not. */
static void clean_up(struct upload *u)
{
	struct err unsaid;

	remove_keys(
		u->redis, u->wish->prefix, span_of(u->out->id), u->out->about.chunks + 1, &unsaid);
}

int upload_write(struct redis *r, int fd, const struct upload_wish *wish,
	struct upload_written *out, struct err *err)
{
	struct upload u = {.redis = r, .wish = wish, .out = out, .sha1 = EVP_MD_CTX_new()};
	int rc;

	must(u.sha1 && EVP_DigestInit_ex(u.sha1, EVP_sha1(), NULL) == 1);
	*out = (struct upload_written){.about.chunk_bytes = UPLOAD_CHUNK_BYTES};
	random_hex(out->id, UPLOAD_ID_DIGITS);
	rc = write_chunks(&u, fd, err);
	if (rc == 0)
		rc = write_about(&u, err);
	if (rc < 0)
		clean_up(&u);
	EVP_MD_CTX_free(u.sha1);
	text_fini(&u.chunk);
	text_fini(&u.packed);
	return rc;
}
