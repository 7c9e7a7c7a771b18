/*
 * codec: RESP2 by hiredis's redisReader, with replies of our own. Any process. It trusts no length
 * and no depth of the peer, and never touches a socket.
 */
#include "redis/codec.h"

#include <event2/buffer.h>
#include <hiredis/hiredis.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/must.h"

struct codec {
	redisReader *reader;
	size_t reply_max;
	size_t held;	   /* bytes in the objects of the reply that is not yet whole */
	const char *fault; /* why we refused an object; hiredis can only say "out of memory" */
};

/* What a struct redis_reply really is: `cap` is of its items, `bytes` of its text. */
struct object {
	struct redis_reply reply;
	size_t cap;
	char bytes[];
};

static const char too_large[] = "an answer that is too large";

static size_t depth_of(const redisReadTask *task)
{
	size_t depth = 0;

	for (; task->parent; task = task->parent)
		depth++;
	return depth;
}

/* Items are added as they come: room for a claimed count is never made in advance. */
static void append(struct redis_reply *array, struct redis_reply *item)
{
	struct object *o = (struct object *)array;

	if (array->n == o->cap) {
		o->cap = o->cap ? o->cap * 2 : 4;
		array->items = must_realloc(array->items, o->cap * sizeof(*array->items));
	}
	array->items[array->n++] = item;
}

/* NULL (refused) or a new object, entered in the array it belongs to. */
static struct redis_reply *object_new(const redisReadTask *task, enum redis_type type, size_t text)
{
	struct codec *c = task->privdata;
	struct object *o;

	c->held += sizeof(*o) + text;
	if (c->held > c->reply_max)
		c->fault = too_large;
	else if (depth_of(task) > CODEC_DEPTH_MAX)
		c->fault = "arrays nested too deep";
	if (c->fault)
		return NULL;
	o = must_alloc(sizeof(*o) + text + 1);
	o->reply.type = type;
	if (task->parent)
		append(task->parent->obj, &o->reply);
	return &o->reply;
}

static void *make_string(const redisReadTask *task, char *bytes, size_t len)
{
	enum redis_type type = task->type == REDIS_REPLY_ERROR	  ? REDIS_ERROR
			       : task->type == REDIS_REPLY_STATUS ? REDIS_STATUS
								  : REDIS_STRING;
	struct redis_reply *reply = object_new(task, type, len);
	char *copy;

	if (!reply)
		return NULL;
	copy = ((struct object *)reply)->bytes;
	memcpy(copy, bytes, len);
	reply->text = (struct span){copy, len};
	return reply;
}

static void *make_integer(const redisReadTask *task, long long n)
{
	struct redis_reply *reply = object_new(task, REDIS_INTEGER, 0);

	if (reply)
		reply->integer = n;
	return reply;
}

static void *make_nil(const redisReadTask *task)
{
	return object_new(task, REDIS_NIL, 0);
}

static void free_object(void *object)
{
	codec_reply_free(object);
}

/* hiredis 1.x counts in size_t and knows the types of RESP3, which nobody may send us. */
#ifdef REDIS_REPLY_DOUBLE
typedef size_t item_count;

static void *refuse_double(const redisReadTask *task, double value, char *bytes, size_t len)
{
	(void)value, (void)bytes, (void)len;
	((struct codec *)task->privdata)->fault = "a type of RESP3";
	return NULL;
}

static void *refuse_bool(const redisReadTask *task, int value)
{
	(void)value;
	((struct codec *)task->privdata)->fault = "a type of RESP3";
	return NULL;
}
#else
typedef int item_count;
#endif

static void *make_array(const redisReadTask *task, item_count n)
{
	(void)n;
	if (task->type != REDIS_REPLY_ARRAY) {
		((struct codec *)task->privdata)->fault = "a type of RESP3";
		return NULL;
	}
	return object_new(task, REDIS_ARRAY, 0);
}

static redisReplyObjectFunctions makers = {
	.createString = make_string,
	.createArray = make_array,
	.createInteger = make_integer,
	.createNil = make_nil,
	.freeObject = free_object,
#ifdef REDIS_REPLY_DOUBLE
	.createDouble = refuse_double,
	.createBool = refuse_bool,
#endif
};

struct codec *codec_new(size_t reply_max)
{
	struct codec *c = must_alloc(sizeof(*c));

	c->reader = redisReaderCreateWithFunctions(&makers);
	must(c->reader != NULL);
	c->reply_max = reply_max;
	c->reader->privdata = c;
	return c;
}

void codec_free(struct codec *c)
{
	if (!c)
		return;
	redisReaderFree(c->reader);
	free(c);
}

void codec_feed(struct codec *c, const char *bytes, size_t len)
{
	redisReaderFeed(c->reader, bytes, len);
	if (c->held + (c->reader->len - c->reader->pos) > c->reply_max)
		c->fault = too_large;
}

int codec_next(struct codec *c, struct redis_reply **out, struct err *err)
{
	void *reply = NULL;

	*out = NULL;
	if (!c->fault && redisReaderGetReply(c->reader, &reply) == REDIS_OK) {
		if (!reply)
			return 0;
		c->held = 0;
		*out = reply;
		return 1;
	}
	return err_set(err, "the peer does not speak the protocol of Redis (%s)",
		c->fault ? c->fault : c->reader->errstr);
}

/* Recursion as deep as CODEC_DEPTH_MAX allows. */
void codec_reply_free(struct redis_reply *reply)
{
	if (!reply)
		return;
	for (size_t i = 0; i < reply->n; i++)
		codec_reply_free(reply->items[i]);
	free(reply->items);
	free(reply);
}

static void add_header(struct evbuffer *out, char kind, size_t n)
{
	char header[32];
	int len = snprintf(header, sizeof(header), "%c%zu\r\n", kind, n);

	must(evbuffer_add(out, header, (size_t)len) == 0);
}

void codec_add_count(struct evbuffer *out, size_t argc)
{
	add_header(out, '*', argc);
}

void codec_add_word(struct evbuffer *out, struct span word)
{
	add_header(out, '$', word.len);
	must(evbuffer_add(out, word.at, word.len) == 0);
	must(evbuffer_add(out, "\r\n", 2) == 0);
}
