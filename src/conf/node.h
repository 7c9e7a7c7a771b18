/*
 * conf/node: a YAML text as a tree that remembers its lines. Internal to conf.
 *
 * Only what a configuration needs is taken: one document of maps with plain keys, lists and
 * scalars, all UTF-8. Aliases, anchors, tags, keys given twice and depths above CONF_DEPTH_MAX are
 * faults. A scalar is text; what it means is for its reader to say.
 */
#ifndef DROVER_CONF_NODE_H
#define DROVER_CONF_NODE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/text.h"
#include "conf/fault.h"

#define CONF_DEPTH_MAX 16
#define CONF_FILE_MAX  (1 << 20)
#define CONF_KEY_MAX   400 /* bytes; libyaml's limit is 1,024 in the form it is written in */

enum conf_node_kind {
	CONF_NODE_SCALAR,
	CONF_NODE_LIST,
	CONF_NODE_MAP,
	CONF_NODE_BROKEN /* its fault has been told: nobody says another word about it */
};

struct conf_node {
	enum conf_node_kind kind;
	const char *file; /* the caller's, see conf_node_parse */
	unsigned line;	  /* of its key, else of itself */
	char *key;	  /* in a map; else NULL */
	char *text;	  /* of a scalar */
	bool plain;	  /* the scalar stands without quotes */
	bool cut;	  /* of the root: the text could not be read to its end */
	struct conf_node *parent;
	struct conf_node **items; /* of a list or a map */
	size_t n, cap;
};

/*
 * Reads `text`; `file`, which must outlive the tree, is what faults are told with. An empty file
 * is an empty map. After a fault the tree holds what could be read all the same, but the section
 * that the text breaks off in is BROKEN; NULL where there is nothing to go on with.
 */
struct conf_node *conf_node_parse(const char *file, struct span text, struct conf_faults *faults);
void conf_node_free(struct conf_node *n); /* NULL is fine */

/* The value of `key` in a map, NULL where it has none, or `map` is none or NULL. */
const struct conf_node *conf_node_get(const struct conf_node *map, const char *key);

/* null, ~, or nothing at all. */
bool conf_node_is_null(const struct conf_node *n);

/* A fault at this node: its file, line and path are put in front. */
void conf_node_fault(struct conf_faults *f, const struct conf_node *n, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* "jobs.WelcomeEmail.command[2]" */
void conf_node_add_path(struct text *out, const struct conf_node *n);

/* What it is, for a sentence: "\"abc\"", "a list", "a map", "empty". */
void conf_node_say(struct text *out, const struct conf_node *n);

#endif
