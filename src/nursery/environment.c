/* nursery/environment: see environment.h. In the child. Pure. */
#include "nursery/environment.h"

#include "base/must.h"
#include "nursery/job_socket.h"

#include <stdlib.h>
#include <string.h>

enum { OURS = 12, NAME_ROOM = 24, NUMBER_ROOM = 24 };

struct value {
	const char *name;
	const char *value; /* NULL: not set */
};

struct numbers {
	char attempt[NUMBER_ROOM], interruptions[NUMBER_ROOM], recoveries[NUMBER_ROOM];
	char fd[NUMBER_ROOM];
};

static const char *say(char *out, uint64_t n)
{
	char *p = out + NUMBER_ROOM;

	*--p = '\0';
	do
		*--p = (char)('0' + n % 10);
	while (n /= 10);
	return p;
}

static void ours(struct value list[OURS], const struct job_message *m, struct numbers *n)
{
	const struct value values[OURS] = {
		{"DROVER_JID", m->jid},
		{"DROVER_CLASS", m->class_name},
		{"DROVER_QUEUE", m->queue},
		{"DROVER_ATTEMPT", say(n->attempt, m->counts.attempt)},
		{"DROVER_INTERRUPTIONS", say(n->interruptions, m->counts.interruptions)},
		{"DROVER_RECOVERIES", say(n->recoveries, m->counts.recoveries)},
		{"DROVER_ORIGIN", m->origin},
		{"DROVER_FD", say(n->fd, JOB_FD)},
		{"DROVER_CURSOR", m->cursor},
		{"DROVER_TICK", m->tick},
		{"DROVER_TOKEN", m->token},
		{"DROVER_LEASE", m->lease},
	};

	memcpy(list, values, sizeof values);
}

/* The value behind "NAME=" where `entry` is of that name. */
static const char *value_of(const char *entry, const char *name)
{
	size_t len = strlen(name);

	return strncmp(entry, name, len) == 0 && entry[len] == '=' ? entry + len + 1 : NULL;
}

static bool is_ours(const char *entry, const struct value *list)
{
	if (strncmp(entry, "DROVER_", 7) != 0)
		return false;
	for (int i = 0; i < OURS; i++)
		if (value_of(entry, list[i].name))
			return true;
	return false;
}

void environment_init(struct environment *out, const struct job_message *m)
{
	struct value list[OURS];
	struct numbers numbers;
	size_t count = OURS + 1, bytes = 0;
	char **next;
	char *at;

	ours(list, m, &numbers);
	for (int i = 0; i < OURS; i++)
		bytes += NAME_ROOM + (list[i].value ? strlen(list[i].value) : 0);
	for (const char *const *e = job_env(m); *e; e++)
		count++;
	bytes += count * sizeof *next;
	out->list = next = bytes <= sizeof out->room ? out->room : must_alloc(bytes);
	at = (char *)(next + count);
	for (const char *const *e = job_env(m); *e; e++)
		if (!is_ours(*e, list))
			memcpy(next++, e, sizeof *e);
	for (int i = 0; i < OURS; i++) {
		if (!list[i].value)
			continue;
		*next++ = at;
		at = stpcpy(at, list[i].name);
		*at++ = '=';
		at = stpcpy(at, list[i].value) + 1;
	}
	*next = NULL;
}

void environment_fini(struct environment *e)
{
	if (e->list != e->room)
		free(e->list);
}

void environment_drop(struct environment *e, const char *name)
{
	char **to = e->list;

	for (char **from = e->list; *from; from++)
		if (!value_of(*from, name))
			*to++ = *from;
	*to = NULL;
}

const char *environment_get(char *const *list, const char *name)
{
	for (; *list; list++) {
		const char *value = value_of(*list, name);

		if (value)
			return value;
	}
	return NULL;
}
