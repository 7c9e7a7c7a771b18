/* message/class: see class.h. */
#include "message/class.h"

#include "base/must.h"
#include "wire/job_message.h"

#include <errno.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>

static uint64_t limit_of(int64_t value)
{
	return value == CONF_NONE ? JOB_NO_LIMIT : (uint64_t)value;
}

/* A whole job or an item of one, by a C function: in a nursery that has the modules. */
bool message_uses_modules(const struct conf_class *c)
{
	return c->function != NULL;
}

static uint32_t handler_of(const struct conf_class *c)
{
	if (c->handler == CONF_HANDLER_EACH)
		return JOB_EACH;
	return c->handler == CONF_HANDLER_FUNCTION ? JOB_FUNCTION : JOB_COMMAND;
}

/* A function is given an address-space limit with its memory limit; a command only where it asks. */
static uint64_t address_space_of(const struct conf_class *c)
{
	return c->address_space || message_uses_modules(c) ? limit_of(c->memory_bytes)
							   : JOB_NO_LIMIT;
}

static int find_user(const struct conf_class *c, struct job_limits *limits, struct err *err)
{
	struct passwd *pw;

	limits->uid = limits->gid = UINT32_MAX;
	if (c->user == NULL)
		return 0;
	errno = 0;
	pw = getpwnam(c->user);
	if (pw == NULL)
		return err_set(err, "jobs.%s.user: there is no user \"%s\" here", c->name, c->user);
	limits->uid = pw->pw_uid;
	limits->gid = pw->pw_gid;
	return 0;
}

static bool names_it(char *const *env, const char *name)
{
	size_t len = strlen(name);

	for (; *env; env++)
		if (strncmp(*env, name, len) == 0 && (*env)[len] == '=')
			return true;
	return false;
}

/* What a job sees of our environment: the names in pass_env that are set, then `env`. Entries of
   the former are allocated, hence the count. */
static char **build_env(const struct conf_class *c, size_t *n_own)
{
	size_t n = 0, max = 1;
	char **env;

	for (char **p = c->pass_env; *p; p++)
		max++;
	for (char **p = c->env; *p; p++)
		max++;
	env = must_alloc(max * sizeof *env);
	for (char **p = c->pass_env; *p; p++) {
		const char *value = getenv(*p);

		if (value && !names_it(c->env, *p))
			env[n++] = must_printf("%s=%s", *p, value);
	}
	*n_own = n;
	for (char **p = c->env; *p; p++)
		env[n++] = *p;
	return env;
}

static void add_lists(struct job_class_source *source, const struct conf_class *c)
{
	if (c->handler != CONF_HANDLER_EACH) {
		source->lists[JOB_ARGV] = c->command;
		return;
	}
	source->lists[JOB_ARGV] = c->filter;
	source->lists[JOB_ON_START] = c->on_start;
	source->lists[JOB_ON_RESUME] = c->on_resume;
	source->lists[JOB_ON_INTERRUPT] = c->on_interrupt;
	source->lists[JOB_ON_COMPLETE] = c->on_complete;
	source->lists[JOB_THROTTLE] = c->throttle;
}

int message_add_class(struct text *out, const struct conf_class *c, struct err *err)
{
	struct job_class_source source = {
		.function = c->function, .directory = c->directory, .user = c->user};
	size_t n_own;
	char **env;

	source.limits = (struct job_limits){.open_files = limit_of(c->open_files),
		.core_bytes = limit_of(c->core_bytes),
		.cpu_s = c->cpu_ms == CONF_NONE ? JOB_NO_LIMIT : (uint64_t)(c->cpu_ms + 999) / 1000,
		.address_space_bytes = address_space_of(c),
		.nice = c->nice,
		.handler = handler_of(c),
		.subreaper = c->adopt_orphans,
		.reuse = (uint32_t)c->reuse};
	if (find_user(c, &source.limits, err) < 0)
		return -1;
	env = build_env(c, &n_own);
	add_lists(&source, c);
	source.lists[JOB_ENV] = env;
	job_message_add_class(out, &source);
	for (size_t i = 0; i < n_own; i++)
		free(env[i]);
	free(env);
	return 0;
}
