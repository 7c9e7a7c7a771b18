/* wire/stream_spec: see stream_spec.h. In droverd and drover-items. Pure. */
#include "wire/stream_spec.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "base/must.h"

static const char *const KINDS[STREAM_KINDS] = {[STREAM_LIST] = "list",
	[STREAM_SET] = "set",
	[STREAM_ZSET] = "zset",
	[STREAM_HASH] = "hash",
	[STREAM_SCAN] = "scan",
	[STREAM_CSV] = "csv",
	[STREAM_ASIDE] = "aside"};

static const struct {
	const char *name;
	size_t offset; /* of a const char * */
} STRINGS[] = {
	{"url", offsetof(struct stream_spec, url)},
	{"username", offsetof(struct stream_spec, username)},
	{"password", offsetof(struct stream_spec, password)},
	{"ca_file", offsetof(struct stream_spec, ca_file)},
	{"cert_file", offsetof(struct stream_spec, cert_file)},
	{"key_file", offsetof(struct stream_spec, key_file)},
	{"server_name", offsetof(struct stream_spec, server_name)},
	{"prefix", offsetof(struct stream_spec, prefix)},
	{"key", offsetof(struct stream_spec, key)},
};
enum { N_STRINGS = sizeof STRINGS / sizeof *STRINGS };

const char *stream_kind_name(enum stream_kind kind)
{
	must(kind < STREAM_KINDS);
	return KINDS[kind];
}

static const char **string_of(struct stream_spec *spec, size_t i)
{
	return (const char **)((char *)spec + STRINGS[i].offset);
}

static void add(struct text *out, const char *name, const char *value)
{
	text_add_str(out, name);
	text_add_char(out, '=');
	text_add(out, value, strlen(value) + 1);
}

static void add_number(struct text *out, const char *name, int64_t n)
{
	if (n <= 0)
		return;
	text_addf(out, "%s=%lld", name, (long long)n);
	text_add_char(out, '\0');
}

void stream_spec_add(struct text *out, const struct stream_spec *spec)
{
	struct stream_spec copy = *spec;

	for (size_t i = 0; i < N_STRINGS; i++)
		if (*string_of(&copy, i))
			add(out, STRINGS[i].name, *string_of(&copy, i));
	add_number(out, "connect_timeout_ms", spec->connect_timeout_ms);
	add_number(out, "command_timeout_ms", spec->command_timeout_ms);
	add_number(out, "round", spec->round);
	add(out, "kind", stream_kind_name(spec->kind));
	text_add_char(out, '\0');
}

size_t stream_spec_size(struct span bytes)
{
	size_t at = 0;

	while (at < bytes.len) {
		const char *nul = memchr(bytes.at + at, '\0', bytes.len - at);

		if (!nul)
			return 0;
		if (nul == bytes.at + at)
			return at + 1;
		at = (size_t)(nul - bytes.at) + 1;
	}
	return 0;
}

static int parse_number(const char *text, int64_t *out, struct err *err)
{
	char *end;
	long long n = strtoll(text, &end, 10);

	if (end == text || *end || n < 1 || n > INT32_MAX)
		return err_set(err, "a number above 0 is due, not \"%.40s\"", text);
	*out = n;
	return 0;
}

static int parse_kind(const char *text, enum stream_kind *out, struct err *err)
{
	for (int i = 0; i < STREAM_KINDS; i++)
		if (strcmp(text, KINDS[i]) == 0) {
			*out = (enum stream_kind)i;
			return 0;
		}
	return err_set(err, "no such kind of collection: \"%.40s\"", text);
}

/* What this version does not know is refused: it would serve something else than was meant. */
static int take(struct stream_spec *spec, struct span name, const char *value, struct err *err)
{
	if (span_is(name, "connect_timeout_ms"))
		return parse_number(value, &spec->connect_timeout_ms, err);
	if (span_is(name, "command_timeout_ms"))
		return parse_number(value, &spec->command_timeout_ms, err);
	if (span_is(name, "round"))
		return parse_number(value, &spec->round, err);
	if (span_is(name, "kind"))
		return parse_kind(value, &spec->kind, err);
	for (size_t i = 0; i < N_STRINGS; i++)
		if (span_is(name, STRINGS[i].name)) {
			*string_of(spec, i) = value;
			return 0;
		}
	return err_set(
		err, "an unknown name: \"%.*s\"", (int)(name.len < 40 ? name.len : 40), name.at);
}

int stream_spec_parse(struct stream_spec *spec, struct span bytes, struct err *err)
{
	*spec = (struct stream_spec){.kind = STREAM_KINDS};
	must(bytes.len > 0 && bytes.at[bytes.len - 1] == '\0');
	for (const char *p = bytes.at; *p; p += strlen(p) + 1) {
		const char *equals = strchr(p, '=');

		if (!equals)
			return err_set(err, "NAME=VALUE is due");
		if (take(spec, (struct span){p, (size_t)(equals - p)}, equals + 1, err) < 0)
			return -1;
	}
	if (!spec->url || !spec->key || spec->kind == STREAM_KINDS)
		return err_set(err, "url, kind and key are due");
	if (!spec->prefix)
		spec->prefix = "";
	return 0;
}
