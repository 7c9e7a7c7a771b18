/*
 * Fuzz target: bytes a hostile Redis might send. The first byte says how they are cut into pieces.
 */
#include "redis/codec.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static size_t walk(const struct redis_reply *r, size_t depth)
{
	size_t sum = r->text.len ? (unsigned char)r->text.at[r->text.len - 1] : 0;

	if (depth > CODEC_DEPTH_MAX)
		__builtin_trap();
	for (size_t i = 0; i < r->n; i++)
		sum += walk(r->items[i], depth + 1);
	return sum;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct codec *c = codec_new(CODEC_REPLY_MAX);
	size_t step = size ? data[0] + 1u : 1;
	struct redis_reply *reply;
	struct err err;
	int got = 0;

	for (size_t i = 1; i < size && got >= 0; i += step) {
		codec_feed(c, (const char *)data + i, step < size - i ? step : size - i);
		while ((got = codec_next(c, &reply, &err)) > 0) {
			walk(reply, 0);
			codec_reply_free(reply);
		}
	}
	codec_free(c);
	return 0;
}
