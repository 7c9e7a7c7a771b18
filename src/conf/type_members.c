/*
 * conf/type_members: the collection that a key of some Redis holds, {list: KEY, url: URL}; see
 * type.h. Any process; pure.
 */
#include "conf/type.h"

#include <stdlib.h>
#include <string.h>

#include "base/must.h"
#include "conf/conf.h"
#include "conf/keys.h"

#define AT(member) offsetof(struct conf_each, member)
static const struct conf_key KEYS[] = {
	/* in the order of enum conf_members */
	{"list", &conf_type_template, AT(text), 1, 0, 0, NULL},
	{"set", &conf_type_template, AT(text), 1, 0, 0, NULL},
	{"zset", &conf_type_template, AT(text), 1, 0, 0, NULL},
	{"hash", &conf_type_template, AT(text), 1, 0, 0, NULL},
	{"scan", &conf_type_template, AT(text), 1, 0, 0, NULL},
	{0},
};
#undef AT

/* Of the keys of the section `redis`: how to reach one and log in to it. */
static const char *const CONNECTION[] = {"url", "username", "password_file", "ca_file", "cert_file",
	"key_file", "server_name", NULL};

/* The next row from `k` on that is one of those; NULL: none. */
static const struct conf_key *next_row(const struct conf_key *k)
{
	for (; k->name; k++)
		for (size_t i = 0; CONNECTION[i]; i++)
			if (strcmp(CONNECTION[i], k->name) == 0)
				return k;
	return NULL;
}

static void allow_members(const struct conf_key *k, struct text *out)
{
	(void)k;
	text_add_str(out, "a map such as {list: KEY, url: \"redis://HOST:PORT/DB\"}");
}

static void read_connection(
	struct conf_reader *r, const struct conf_node *n, struct conf_redis *redis)
{
	const struct conf_key *k = conf_keys_redis;

	for (; (k = next_row(k)) != NULL; k++)
		if (conf_node_get(n, k->name))
			conf_key_read(r, k, conf_node_get(n, k->name), redis);
}

/* It is never taken for the Redis of the jobs for want of a word. */
static void check_connection(
	struct conf_reader *r, const struct conf_node *n, const struct conf_redis *redis)
{
	const char *alone = redis->cert_file ? "cert_file" : "key_file";

	if (!conf_node_get(n, "url"))
		conf_node_fault(r->faults, n,
			"has no url, allowed is url: \"redis://HOST:PORT/DB\" beside the key");
	if (!redis->cert_file != !redis->key_file)
		conf_node_fault(r->faults, conf_node_get(n, alone),
			"stands alone, allowed are cert_file and key_file together");
}

static bool read_members(
	struct conf_reader *r, const struct conf_key *k, const struct conf_node *n, void *at)
{
	struct conf_each *each = at;
	const struct conf_key *chosen;

	(void)k;
	if (n->kind != CONF_NODE_MAP)
		return false;
	each->redis = must_alloc(sizeof *each->redis);
	each->redis->prefix = must_strdup("");
	conf_section_check(r, KEYS, CONNECTION, n);
	read_connection(r, n, each->redis);
	check_connection(r, n, each->redis);
	chosen = conf_section_choose(r, KEYS, n, each);
	if (chosen)
		each->members = (enum conf_members)(chosen - KEYS);
	return true;
}

static void print_members(const struct conf_key *k, const void *at, struct conf_printer *p)
{
	const struct conf_each *each = at;
	const struct conf_key *row = &KEYS[each->members];

	(void)k;
	text_addf(p->out, "{%s: ", row->name);
	conf_key_print(row, each, p);
	for (row = conf_keys_redis; (row = next_row(row)) != NULL; row++) {
		text_addf(p->out, ", %s: ", row->name);
		conf_key_print(row, each->redis, p);
	}
	text_add_char(p->out, '}');
}

static void fini_members(const struct conf_key *k, void *at)
{
	struct conf_each *each = at;

	(void)k;
	conf_section_fini(conf_keys_redis, each->redis);
	free(each->redis);
	each->redis = NULL;
}

const struct conf_type conf_type_members = {
	.allow = allow_members, .read = read_members, .print = print_members, .fini = fini_members};
