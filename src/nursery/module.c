/*
 * nursery/module: see module.h. The one file that loads code and the one that reads JSON: what the
 * static nursery does without is here.
 */
#include "nursery/module.h"

#include "base/must.h"

#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct module {
	char *path; /* as it was named, for talk */
	const struct drover_entry *table;
};

static struct module *modules;
static size_t n_modules;

/* Set by the linker where a module is part of this very program (libdrover-nursery.a). */
#pragma weak drover_module
#pragma weak drover_module_api

/* -- loading ----------------------------------------------------------------------------------- */

static bool is_end(const struct drover_entry *e)
{
	return !e->name && !e->preload;
}

static const struct drover_entry *find_entry(const char *name, const struct module **where)
{
	for (size_t i = 0; i < n_modules; i++) {
		for (const struct drover_entry *e = modules[i].table; !is_end(e); e++) {
			if (!e->name || strcmp(e->name, name) != 0)
				continue;
			if (where)
				*where = &modules[i];
			return e;
		}
	}
	return NULL;
}

/* Every entry says one thing; a name stands in one module only. */
static int check_table(const char *path, const struct drover_entry *table, struct err *err)
{
	for (const struct drover_entry *e = table; !is_end(e); e++) {
		const struct module *other = NULL;

		if (!e->name)
			continue;
		if (!e->function == !e->each)
			return err_set(err, "%s: entry %s has no function, or two", path, e->name);
		if (find_entry(e->name, &other))
			return err_set(
				err, "%s: function %s is also in %s", path, e->name, other->path);
	}
	return 0;
}

static int take(const char *path, uint32_t api, const struct drover_entry *table, struct err *err)
{
	if (api != DROVER_API)
		return err_set(err, "%s: made for version %u of job.h, this drover has %u", path,
			api, DROVER_API);
	if (check_table(path, table, err) != 0)
		return -1;
	modules = must_realloc(modules, (n_modules + 1) * sizeof *modules);
	modules[n_modules++] = (struct module){must_strdup(path), table};
	return 0;
}

int module_take_linked(struct err *err)
{
	if (&drover_module_api == NULL)
		return 0;
	return take("the module linked in", drover_module_api, drover_module, err);
}

/* dlerror has the path in front as a rule, and we want it there exactly once. */
static int say_dlerror(const char *path, struct err *err)
{
	const char *why = dlerror();
	size_t len = strlen(path);

	if (why && strncmp(why, path, len) == 0 && why[len] == ':')
		return err_set(err, "%s", why);
	return err_set(err, "%s: %s", path, why ? why : "cannot be loaded");
}

/* A bare name would be looked for in the system's folders: a module is always a file named. */
int module_load(const char *path, struct err *err)
{
	char *real = realpath(path, NULL);
	void *handle;
	const uint32_t *api;
	const struct drover_entry *table;

	if (!real)
		return err_errno(err, "%s", path);
	handle = dlopen(real, RTLD_NOW | RTLD_LOCAL);
	if (!handle)
		say_dlerror(real, err);
	free(real);
	if (!handle)
		return -1;
	api = dlsym(handle, "drover_module_api");
	table = dlsym(handle, "drover_module");
	if (!api || !table)
		return err_set(err, "%s: no DROVER_MODULE in it", path);
	return take(path, *api, table, err);
}

int module_preload(struct err *err)
{
	for (size_t i = 0; i < n_modules; i++) {
		for (const struct drover_entry *e = modules[i].table; !is_end(e); e++) {
			int answer = e->preload ? e->preload() : 0;

			if (answer != 0)
				return err_set(err, "%s: its preload hook returned %d",
					modules[i].path, answer);
		}
	}
	return 0;
}

void module_add_names(struct text *out)
{
	const char *between = "[";

	for (size_t i = 0; i < n_modules; i++) {
		for (const struct drover_entry *e = modules[i].table; !is_end(e); e++) {
			if (!e->name)
				continue;
			text_add_str(out, between);
			text_add_json(out, span_of(e->name));
			between = ",";
		}
	}
	text_add_str(out, *between == '[' ? "[]" : "]");
}

/* -- for the children -------------------------------------------------------------------------- */

static const struct drover_entry *find(const char *name)
{
	return find_entry(name, NULL);
}

/*
 * Integers beyond 64 bits are allowed to Resque's clients; as reals only then, for every other
 * number would change its type.
 */
static json_t *decode(struct span json, struct err *err)
{
	json_error_t why;
	json_t *args = json_loadb(json.at, json.len, JSON_ALLOW_NUL, &why);

	if (!args && json_error_code(&why) == json_error_numeric_overflow)
		args = json_loadb(
			json.at, json.len, JSON_ALLOW_NUL | JSON_DECODE_INT_AS_REAL, &why);
	if (!args) {
		err_set(err, "args: byte %d: %s", why.position, why.text);
		return NULL;
	}
	if (!json_is_array(args)) {
		json_decref(args);
		err_set(err, "args: not an array");
		return NULL;
	}
	return args;
}

static void release(json_t *args)
{
	json_decref(args);
}

const struct function_source module_functions = {find, decode, release};
