/*
 * conf/load: reads drover.yml and what it includes. Any process that has a configuration; it
 * opens the files that are named to it and nothing else.
 */
#include "conf/load.h"

#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/must.h"
#include "conf/keys.h"

#define MOST_FILES 1000

static const struct conf_key NO_KEYS[] = {{0}};

/* -- files -- */

/* All of it, or one byte more than the limit, which the parser then refuses. */
static int read_file(const char *path, struct text *out)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = 1;
	int saved;

	if (fd < 0)
		return -1;
	while (n > 0 && out->len <= CONF_FILE_MAX) {
		text_reserve(out, 65536);
		n = read(fd, out->data + out->len, 65536);
		if (n < 0 && errno == EINTR)
			n = 1;
		else if (n > 0)
			out->len += (size_t)n;
	}
	saved = errno;
	close(fd);
	errno = saved;
	text_reserve(out, 0);
	return n < 0 ? -1 : 0;
}

static const struct conf_node *add_tree(struct conf_loader *l, const char *name, struct span text)
{
	struct conf_node *tree;
	char *file = must_strdup(name);

	tree = conf_node_parse(file, text, &l->faults);
	l->files = must_realloc(l->files, (l->n_trees + 1) * sizeof(char *));
	l->trees = must_realloc(l->trees, (l->n_trees + 1) * sizeof(struct conf_node *));
	l->files[l->n_trees] = file;
	l->trees[l->n_trees++] = tree;
	return tree;
}

static const struct conf_node *add_file(struct conf_loader *l, const char *path)
{
	const struct conf_node *tree = NULL;
	struct text text = {0};

	if (read_file(path, &text) < 0)
		conf_fault_add(&l->faults, path, 0, NULL, "cannot be read: %s", strerror(errno));
	else
		tree = add_tree(l, path, (struct span){text.data, text.len});
	text_fini(&text);
	return tree;
}

/* -- sections -- */

static void read_redis(struct conf_loader *l, const struct conf_node *n)
{
	conf_section_read(&l->reader, conf_keys_redis, NULL, n, &l->conf->redis);
}

static void read_supervisor(struct conf_loader *l, const struct conf_node *n)
{
	conf_section_read(&l->reader, conf_keys_supervisor, NULL, n, &l->conf->supervisor);
}

static void read_defaults(struct conf_loader *l, const struct conf_node *n)
{
	conf_section_read(&l->reader, conf_keys_class, NULL, n, &l->conf->defaults);
}

static void refuse(struct conf_loader *l, const struct conf_node *n)
{
	conf_node_fault(&l->faults, n, "is not built yet, allowed is to leave it out");
}

static void read_include(struct conf_loader *l, const struct conf_node *n);

static const struct section {
	const char *name;
	void (*read)(struct conf_loader *l, const struct conf_node *n);
	bool first; /* before the others, wherever it stands */
} SECTIONS[] = {
	{"redis", read_redis, true},
	{"supervisor", read_supervisor, true},
	{"defaults", read_defaults, true},
	{"pools", conf_entries_read_pools, false},
	{"jobs", conf_entries_read_jobs, false},
	{"modules", conf_entries_read_modules, false},
	{"include", read_include, false},
	{"schedule", conf_entries_read_schedule, false},
	{"metrics", refuse, false},
};

#define COUNT(a) (sizeof(a) / sizeof *(a))

static const char *const IN_MAIN[] = {"redis", "supervisor", "pools", "defaults", "jobs", "modules",
	"include", "schedule", "metrics", NULL};
static const char *const IN_INCLUDED[] = {"pools", "jobs", "modules", "schedule", NULL};

static void read_section(struct conf_loader *l, const struct conf_node *n, bool first)
{
	for (size_t i = 0; i < COUNT(SECTIONS); i++)
		if (strcmp(SECTIONS[i].name, n->key) == 0 && SECTIONS[i].first == first &&
			n->kind != CONF_NODE_BROKEN)
			SECTIONS[i].read(l, n);
}

static bool is_named(const char *const *names, const char *name)
{
	while (*names && strcmp(*names, name) != 0)
		names++;
	return *names != NULL;
}

/* In the order of the file, but that job entries begin with what `defaults` says. */
static void read_sections(
	struct conf_loader *l, const struct conf_node *root, const char *const *allowed)
{
	if (!root || !conf_section_check(&l->reader, NO_KEYS, allowed, root))
		return;
	for (int first = 1; first >= 0; first--)
		for (size_t i = 0; i < root->n; i++)
			if (is_named(allowed, root->items[i]->key))
				read_section(l, root->items[i], first);
}

/* -- include -- */

static char *beside_main(const struct conf_loader *l, const char *path)
{
	const char *slash = strrchr(l->files[0], '/');

	if (*path == '/' || !slash)
		return must_strdup(path);
	return must_printf("%.*s/%s", (int)(slash - l->files[0]), l->files[0], path);
}

/* A pattern may match nothing: an empty conf.d is no mistake. A plain name must be there. */
static void include_pattern(struct conf_loader *l, const struct conf_node *n)
{
	char *pattern = beside_main(l, n->text);
	glob_t found;
	int rc = glob(pattern, 0, NULL, &found);

	free(pattern);
	if (rc == GLOB_NOMATCH && !strpbrk(n->text, "*?["))
		conf_node_fault(&l->faults, n, "is not there, allowed are files that are");
	else if (rc != 0 && rc != GLOB_NOMATCH)
		conf_node_fault(&l->faults, n, "cannot be looked up, allowed are files that can");
	for (size_t i = 0; rc == 0 && i < found.gl_pathc; i++) {
		if (l->n_trees == MOST_FILES) {
			conf_node_fault(&l->faults, n, "is one file too many, allowed are 1000");
			break;
		}
		read_sections(l, add_file(l, found.gl_pathv[i]), IN_INCLUDED);
	}
	if (rc == 0)
		globfree(&found);
}

static void read_include(struct conf_loader *l, const struct conf_node *n)
{
	if (conf_node_is_null(n))
		return;
	if (n->kind != CONF_NODE_LIST) {
		conf_node_fault(
			&l->faults, n, "is no list, allowed is a list such as [conf.d/*.yml]");
		return;
	}
	for (size_t i = 0; i < n->n; i++) {
		const struct conf_node *item = n->items[i];

		if (!conf_scalar(item) || *item->text == '\0')
			conf_node_fault(
				&l->faults, item, "is no path, allowed is a path or a pattern");
		else if (l->follow)
			include_pattern(l, item);
	}
}

/* -- the whole -- */

static void read_builtin(struct conf *c)
{
	struct conf_loader l = {.conf = c};
	struct text faults = {0};
	const struct conf_node *root;

	l.reader.faults = &l.faults;
	root = add_tree(&l, "builtin", span_of(conf_keys_defaults));
	read_sections(&l, root, IN_MAIN);
	must(conf_fault_tell(&l.faults, &faults)); /* our own text */
	conf_node_free(l.trees[0]);
	free(l.files[0]);
	free(l.trees);
	free(l.files);
}

static struct conf *new_conf(const char *path)
{
	struct conf *c = must_alloc(sizeof *c);

	c->refs = 1;
	c->path = must_strdup(path);
	c->modules = must_alloc(sizeof(char *));
	read_builtin(c);
	return c;
}

/* The URL in the environment is read by the row of redis.url, so that it is checked alike. */
static void take_url(struct conf_loader *l)
{
	static char key[] = "url";
	char *url = getenv("DROVER_REDIS_URL");
	struct conf_node section = {.kind = CONF_NODE_MAP, .file = "DROVER_REDIS_URL"};
	struct conf_node value = {.kind = CONF_NODE_SCALAR, .file = section.file, .key = key};
	struct conf_node *items[] = {&value};

	if (!url || !*url)
		return;
	value.parent = &section;
	value.text = url;
	section.items = items;
	section.n = 1;
	read_redis(l, &section);
}

/* Takes what was read as the result, or gives it up. */
static struct conf *finish(struct conf_loader *l, struct text *faults)
{
	struct conf *c = l->conf;

	if (l->n_trees > 0)
		conf_check_all(l);
	if (!conf_fault_tell(&l->faults, faults)) {
		conf_unref(c);
		c = NULL;
	}
	for (size_t i = 0; i < l->n_trees; i++) {
		conf_node_free(l->trees[i]);
		free(l->files[i]);
	}
	free(l->trees);
	free(l->files);
	free(l->pools);
	free(l->classes);
	free(l->modules);
	free(l->schedules);
	return c;
}

struct conf *conf_load(const char *path, struct text *faults)
{
	struct conf_loader l = {.conf = new_conf(path), .follow = true};

	l.reader.faults = &l.faults;
	read_sections(&l, add_file(&l, path), IN_MAIN);
	take_url(&l);
	return finish(&l, faults);
}

struct conf *conf_parse(const char *name, struct span text, struct text *faults)
{
	struct conf_loader l = {.conf = new_conf(name)};

	l.reader.faults = &l.faults;
	read_sections(&l, add_tree(&l, name, text), IN_MAIN);
	return finish(&l, faults);
}

/* What is wrong with a URL from the environment is left for the connection to say. */
struct conf *conf_new_default(void)
{
	struct conf *c = new_conf("builtin");
	const char *url = getenv("DROVER_REDIS_URL");

	c->redis.command_timeout_ms = c->supervisor.lease_ms / 3;
	if (url && *url) {
		free(c->redis.url);
		c->redis.url = must_strdup(url);
	}
	return c;
}
