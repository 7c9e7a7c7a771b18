/*
 * wire/job_message: the job as droverd hands it to a child: encoder (droverd) and decoder (child).
 * Pure; the decoder trusts no length it reads.
 */
#include "wire/job_message.h"

#include "base/must.h"

#include <stdlib.h>
#include <string.h>

/* Larger than any payload we accept; a head that says more is garbage. */
#define MESSAGE_MAX (256u << 20)

enum tag {
	TAG_LIMITS = 1,
	TAG_COUNTS,
	TAG_ARGV,
	TAG_ENV,
	TAG_ARGS,
	TAG_FUNCTION,
	TAG_DIRECTORY,
	TAG_USER,
	TAG_JID,
	TAG_CLASS,
	TAG_QUEUE,
	TAG_ORIGIN,
	TAG_TOKEN,
	TAG_LEASE,
	TAG_CURSOR,
	TAG_TICK,
	TAG_EACH,
	TAG_COLLECTION,
	TAG_INNER,
	TAG_PATH,
	TAG_INNER_PATH,
	TAG_DIED,
	TAG_ON_START,
	TAG_ON_RESUME,
	TAG_ON_INTERRUPT,
	TAG_ON_COMPLETE,
	TAG_THROTTLE,
	TAG_COLLECTION_ARGV,
	TAG_INNER_ARGV,
};

static const enum tag LIST_TAGS[JOB_LISTS] = {[JOB_ARGV] = TAG_ARGV,
	[JOB_ENV] = TAG_ENV,
	[JOB_ON_START] = TAG_ON_START,
	[JOB_ON_RESUME] = TAG_ON_RESUME,
	[JOB_ON_INTERRUPT] = TAG_ON_INTERRUPT,
	[JOB_ON_COMPLETE] = TAG_ON_COMPLETE,
	[JOB_THROTTLE] = TAG_THROTTLE,
	[JOB_COLLECTION_ARGV] = TAG_COLLECTION_ARGV,
	[JOB_INNER_ARGV] = TAG_INNER_ARGV};

/* JOB_LISTS where the tag is that of no list. */
static size_t list_of(uint32_t tag)
{
	size_t i = 0;

	while (i < JOB_LISTS && LIST_TAGS[i] != tag)
		i++;
	return i;
}

/* The fields that are one string; where each goes, and whether a message is none without it. */
static const struct {
	enum tag tag;
	const char *name;
	size_t offset;
	bool needed;
} strings[] = {
	{TAG_FUNCTION, "function", offsetof(struct job_message, function), false},
	{TAG_DIRECTORY, "directory", offsetof(struct job_message, directory), false},
	{TAG_USER, "user", offsetof(struct job_message, user), false},
	{TAG_JID, "jid", offsetof(struct job_message, jid), true},
	{TAG_CLASS, "class", offsetof(struct job_message, class_name), true},
	{TAG_QUEUE, "queue", offsetof(struct job_message, queue), true},
	{TAG_ORIGIN, "origin", offsetof(struct job_message, origin), true},
	{TAG_TOKEN, "token", offsetof(struct job_message, token), false},
	{TAG_LEASE, "lease", offsetof(struct job_message, lease), false},
	{TAG_CURSOR, "cursor", offsetof(struct job_message, cursor), false},
	{TAG_TICK, "tick", offsetof(struct job_message, tick), false},
	{TAG_PATH, "path", offsetof(struct job_message, path), false},
	{TAG_INNER_PATH, "inner path", offsetof(struct job_message, inner_path), false},
	{TAG_DIED, "died", offsetof(struct job_message, died), false},
};
#define STRINGS (sizeof strings / sizeof *strings)

/* -- encoding ---------------------------------------------------------------------------------- */

static void add_field(struct text *out, enum tag tag, const void *bytes, size_t len)
{
	uint32_t head[2] = {tag, (uint32_t)len};

	must(len < MESSAGE_MAX);
	text_add(out, (const char *)head, sizeof head);
	text_add(out, bytes, len);
}

/* With its NUL, so that the reader can point at it. A NUL inside ends it there, for the job. */
static void add_string(struct text *out, enum tag tag, struct span s)
{
	uint32_t head[2] = {tag, (uint32_t)s.len + 1};

	if (!s.at)
		return;
	must(s.len < MESSAGE_MAX);
	text_add(out, (const char *)head, sizeof head);
	text_add_span(out, s);
	text_add_char(out, '\0');
}

static void add_list(struct text *out, enum tag tag, char *const *list)
{
	for (; list && *list; list++)
		add_string(out, tag, span_of(*list));
}

void job_message_add_class(struct text *out, const struct job_class_source *c)
{
	add_field(out, TAG_LIMITS, &c->limits, sizeof c->limits);
	for (size_t i = 0; i < JOB_LISTS; i++)
		add_list(out, LIST_TAGS[i], c->lists[i]);
	add_string(out, TAG_FUNCTION, span_of(c->function));
	add_string(out, TAG_DIRECTORY, span_of(c->directory));
	add_string(out, TAG_USER, span_of(c->user));
}

static void add_each(struct text *out, const struct job_each_source *e)
{
	add_field(out, TAG_EACH, &e->each, sizeof e->each);
	add_field(out, TAG_COLLECTION, &e->collection, sizeof e->collection);
	if (e->inner.kind)
		add_field(out, TAG_INNER, &e->inner, sizeof e->inner);
	add_string(out, TAG_PATH, e->path);
	add_string(out, TAG_INNER_PATH, e->inner_path);
	add_string(out, TAG_DIED, e->died);
	add_list(out, TAG_COLLECTION_ARGV, e->argv);
	add_list(out, TAG_INNER_ARGV, e->inner_argv);
}

void job_message_add(struct text *out, struct span class_part, const struct job_source *j)
{
	size_t start = out->len;
	struct job_head head = {.magic = JOB_MAGIC};

	text_add(out, (const char *)&head, sizeof head);
	text_add_span(out, class_part);
	add_field(out, TAG_COUNTS, &j->counts, sizeof j->counts);
	add_string(out, TAG_JID, j->jid);
	add_string(out, TAG_CLASS, j->class_name);
	add_string(out, TAG_QUEUE, j->queue);
	add_string(out, TAG_ORIGIN, j->origin);
	add_string(out, TAG_TOKEN, j->token);
	add_string(out, TAG_LEASE, j->lease);
	add_string(out, TAG_CURSOR, j->cursor);
	add_string(out, TAG_TICK, j->tick);
	if (j->each)
		add_each(out, j->each);
	if (j->args.at)
		add_field(out, TAG_ARGS, j->args.at, j->args.len);
	must(out->len - start <= MESSAGE_MAX);
	head.size = (uint32_t)(out->len - start);
	memcpy(out->data + start, &head, sizeof head);
}

/* -- decoding ---------------------------------------------------------------------------------- */

struct field {
	uint32_t tag;
	struct span bytes;
};

size_t job_message_size(const char *bytes, struct err *err)
{
	struct job_head head;

	memcpy(&head, bytes, sizeof head);
	if (head.magic != JOB_MAGIC || head.size < sizeof head || head.size > MESSAGE_MAX) {
		err_set(err, "job message: bad head (magic %08x, %u bytes)", head.magic, head.size);
		return 0;
	}
	return head.size;
}

/* 1 and the next field, 0 at the end, -1 where a length points outside. */
static int next_field(struct field *f, struct span *rest, struct err *err)
{
	uint32_t head[2];

	if (rest->len == 0)
		return 0;
	if (rest->len < sizeof head)
		return err_set(err, "job message: %zu stray bytes at the end", rest->len);
	memcpy(head, rest->at, sizeof head);
	rest->at += sizeof head;
	rest->len -= sizeof head;
	if (head[1] > rest->len)
		return err_set(err, "job message: field %u says %u bytes, there are %zu", head[0],
			head[1], rest->len);
	*f = (struct field){head[0], {rest->at, head[1]}};
	rest->at += head[1];
	rest->len -= head[1];
	return 1;
}

static int take_fixed(void *out, size_t size, const struct field *f, struct err *err)
{
	if (f->bytes.len != size)
		return err_set(err, "job message: field %u has %zu bytes, due are %zu", f->tag,
			f->bytes.len, size);
	memcpy(out, f->bytes.at, size);
	return 0;
}

static int check_string(const struct field *f, struct err *err)
{
	if (f->bytes.len == 0 || f->bytes.at[f->bytes.len - 1] != '\0')
		return err_set(err, "job message: field %u is not NUL-terminated", f->tag);
	return 0;
}

static int take_string(struct job_message *m, const struct field *f, struct err *err)
{
	for (size_t i = 0; i < STRINGS; i++) {
		if (strings[i].tag != f->tag)
			continue;
		if (check_string(f, err) != 0)
			return -1;
		memcpy((char *)m + strings[i].offset, &f->bytes.at, sizeof f->bytes.at);
		return 0;
	}
	return err_set(err, "job message: unknown field %u", f->tag);
}

/* Not the room, which is large and may be anything. */
static void clear(struct job_message *m)
{
	memset(m, 0, offsetof(struct job_message, room));
}

struct lists {
	size_t n[JOB_LISTS];
	bool limits, counts, each;
};

static int take_field(
	struct job_message *m, struct lists *l, const struct field *f, struct err *err)
{
	size_t list = list_of(f->tag);

	if (list < JOB_LISTS) {
		l->n[list]++;
		return check_string(f, err);
	}
	switch (f->tag) {
	case TAG_LIMITS:
		l->limits = true;
		return take_fixed(&m->limits, sizeof m->limits, f, err);
	case TAG_COUNTS:
		l->counts = true;
		return take_fixed(&m->counts, sizeof m->counts, f, err);
	case TAG_ARGS:
		m->args = f->bytes;
		return 0;
	case TAG_EACH:
		l->each = true;
		return take_fixed(&m->each, sizeof m->each, f, err);
	case TAG_COLLECTION:
		return take_fixed(&m->collection, sizeof m->collection, f, err);
	case TAG_INNER:
		return take_fixed(&m->inner, sizeof m->inner, f, err);
	default:
		return take_string(m, f, err);
	}
}

static int check_whole(const struct job_message *m, const struct lists *l, struct err *err)
{
	if (!l->limits || !l->counts)
		return err_set(err, "job message: no %s in it", l->limits ? "counts" : "limits");
	for (size_t i = 0; i < STRINGS; i++) {
		const char *value;

		memcpy(&value, (const char *)m + strings[i].offset, sizeof value);
		if (strings[i].needed && !value)
			return err_set(err, "job message: no %s in it", strings[i].name);
	}
	if (m->limits.handler == JOB_COMMAND && l->n[JOB_ARGV] > 0)
		return 0;
	if (m->limits.handler == JOB_FUNCTION && m->function)
		return 0;
	if (m->limits.handler == JOB_EACH && l->each && (m->function || l->n[JOB_ARGV] > 0))
		return 0;
	return err_set(err, "job message: no handler of kind %u in it", m->limits.handler);
}

/* Second look, every field known to be well: all lists behind each other. */
static void fill_lists(struct job_message *m, const struct lists *l, struct span rest)
{
	struct field f;
	struct err none;
	size_t places = 0;
	const char **at, **next[JOB_LISTS];

	for (size_t i = 0; i < JOB_LISTS; i++)
		places += l->n[i] + 1;
	at = places <= JOB_LIST_ROOM ? m->room : must_alloc(places * sizeof *at);
	for (size_t i = 0; i < JOB_LISTS; i++) {
		m->lists[i] = next[i] = at;
		at += l->n[i] + 1;
	}
	while (next_field(&f, &rest, &none) > 0) {
		size_t list = list_of(f.tag);

		if (list < JOB_LISTS)
			*next[list]++ = f.bytes.at;
	}
	for (size_t i = 0; i < JOB_LISTS; i++)
		*next[i] = NULL;
}

int job_message_decode(struct job_message *m, const char *bytes, size_t len, struct err *err)
{
	struct span rest, start;
	struct lists lists = {0};
	struct field f = {0};
	int more;

	clear(m);
	m->args = SPAN_LIT("[]");
	if (len < sizeof(struct job_head))
		return err_set(err, "job message: only %zu bytes", len);
	if (job_message_size(bytes, err) == 0)
		return -1;
	if (job_message_size(bytes, err) != len)
		return err_set(err, "job message: %zu bytes, its head says another size", len);
	start = rest =
		(struct span){bytes + sizeof(struct job_head), len - sizeof(struct job_head)};
	while ((more = next_field(&f, &rest, err)) > 0)
		if (take_field(m, &lists, &f, err) != 0)
			return -1;
	if (more < 0 || check_whole(m, &lists, err) != 0)
		return -1;
	fill_lists(m, &lists, start);
	return 0;
}

void job_message_fini(struct job_message *m)
{
	if (m->lists[0] != m->room)
		free(m->lists[0]);
	clear(m);
}
