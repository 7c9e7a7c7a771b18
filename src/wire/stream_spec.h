/*
 * wire/stream_spec: what droverd tells a new drover-items, over its socket and before anybody else
 * has the other end: which collection it is to serve, and how to reach it. Never in its arguments or
 * environment, for there is a password in it. NAME=VALUE strings, each with a NUL behind it and in
 * no order, then an empty one; bytes are as they are, but for the NUL, which no value can hold.
 */
#ifndef DROVER_WIRE_STREAM_SPEC_H
#define DROVER_WIRE_STREAM_SPEC_H

#include <stdint.h>

#include "base/err.h"
#include "base/text.h"

/* Below what a socket takes at once: droverd writes it without waiting for the reader. */
#define STREAM_SPEC_MAX (64 * 1024)

enum stream_kind {
	STREAM_LIST,
	STREAM_SET,
	STREAM_ZSET,
	STREAM_HASH,
	STREAM_SCAN,  /* names of keys */
	STREAM_CSV,   /* an upload */
	STREAM_ASIDE, /* items of a run that were set aside: written at once, without a question */
	STREAM_KINDS
};
const char *stream_kind_name(enum stream_kind kind);

/* Strings: NULL is absent. User and password win over those in the URL. */
struct stream_spec {
	const char *url, *username, *password;
	const char *ca_file, *cert_file, *key_file, *server_name; /* TLS */
	int64_t connect_timeout_ms, command_timeout_ms;		  /* 0: the default */
	const char *prefix; /* of an upload: the namespace with its colon. NULL: "" */
	enum stream_kind kind;
	int64_t round; /* of items set aside: those that failed in it are left out; 0: none are */
	const char *
		key; /* whole, no prefix is put in front of it; a pattern; the id of an upload; a run */
};

void stream_spec_add(struct text *out, const struct stream_spec *spec);

/*
 * How many bytes at the front of `bytes` are a whole spec; 0: its end is not there yet.
 */
size_t stream_spec_size(struct span bytes);

/* `bytes` is a whole one; `spec` points into it. -1 where something is missing or makes no sense. */
int stream_spec_parse(struct stream_spec *spec, struct span bytes, struct err *err);

#endif
