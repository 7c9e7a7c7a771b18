/*
 * conf/type: what a value can be. Each type is a row of small functions; each key (keys.h) is a row
 * that names its type, its place in a struct and its range. Reading, dumping, copying and freeing
 * all go by these rows, so that a key is written down once. Internal to conf.
 */
#ifndef DROVER_CONF_TYPE_H
#define DROVER_CONF_TYPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "conf/fault.h"
#include "conf/node.h"

#define CONF_KEY_NONE	1u /* "none" is allowed (numbers: CONF_NONE); null is (the rest: NULL) */
#define CONF_KEY_EACH	2u /* of iterating jobs: refused and not dumped in an entry without `each` */
#define CONF_KEY_SECRET 4u /* its value is not repeated in a fault */

struct conf_key {
	const char *name;
	const struct conf_type *type;
	size_t offset;
	int64_t min,
		max; /* of numbers; of texts and lists the length, max 0: no limit of its own */
	unsigned flags;
	const void *more; /* the words of a choice, the keys of a section */
};

struct conf_reader {
	struct conf_faults *faults;
	unsigned placeholders; /* TEMPLATE_*, what a template may have where we are */
};

struct conf_printer {
	struct text *out;
	bool secrets; /* as they are, for comparing */
};

struct conf_type {
	/* The rest of "allowed is ". */
	void (*allow)(const struct conf_key *k, struct text *out);
	/* Overwrites what is at `at`. False where the value is none of what `allow` says. */
	bool (*read)(struct conf_reader *r, const struct conf_key *k, const struct conf_node *n,
		void *at);
	/* One line of YAML. NULL: not dumped. */
	void (*print)(const struct conf_key *k, const void *at, struct conf_printer *p);
	/* Makes what was copied bytewise from another struct our own. NULL: nothing to do. */
	void (*own)(const struct conf_key *k, void *at);
	/* NULL: nothing to do. */
	void (*fini)(const struct conf_key *k, void *at);
};

/* numbers: type_number.c */
extern const struct conf_type conf_type_duration; /* int64_t, ms */
extern const struct conf_type conf_type_size;	  /* int64_t, bytes */
extern const struct conf_type conf_type_count;	  /* int64_t */
extern const struct conf_type conf_type_int;	  /* int */
extern const struct conf_type conf_type_real;	  /* double */
extern const struct conf_type conf_type_rate;	  /* struct conf_rate */

/* words: type_word.c */
extern const struct conf_type conf_type_bool;	/* bool */
extern const struct conf_type conf_type_choice; /* int or enum; more: const char *[], NULL behind */
extern const struct conf_type conf_type_either; /* bool; more: the words for false and true */

/* text: type_text.c */
extern const struct conf_type conf_type_string; /* char * */
extern const struct conf_type conf_type_path;	/* char *, absolute */
extern const struct conf_type conf_type_url;	/* char *, a Redis URL; its password is not shown */
extern const struct conf_type conf_type_namespace; /* char *, "resque" is kept as "resque:" */
extern const struct conf_type conf_type_name;	   /* char *, with %h */
extern const struct conf_type conf_type_template;  /* char *, with placeholders */

/* lists and maps: type_list.c, section.c, type_follow.c, type_queues.c, type_cron.c,
   type_each.c, type_members.c */
extern const struct conf_type conf_type_argv;	   /* char **, NULL: none */
extern const struct conf_type conf_type_templates; /* the same, each with placeholders */
extern const struct conf_type conf_type_names;	   /* char **, names in an environment */
extern const struct conf_type conf_type_env;	   /* char **, "NAME=value"; reading adds */
extern const struct conf_type conf_type_section;   /* more: struct conf_key[], name NULL behind */
extern const struct conf_type conf_type_follow;	   /* struct conf_follow */
extern const struct conf_type conf_type_args;	   /* char *, a JSON array; NULL: none */
extern const struct conf_type conf_type_queues;	   /* struct conf_pool, its offset 0 */
extern const struct conf_type conf_type_cron;	   /* struct conf_schedule, its offset 0 */
extern const struct conf_type conf_type_zone;	   /* the same */
extern const struct conf_type conf_type_each;	   /* struct conf_each */
extern const struct conf_type conf_type_members;   /* the same, of a key of Redis; its offset 0 */

/* Reads a value by its row, and says what is wrong with it. */
void conf_key_read(
	struct conf_reader *r, const struct conf_key *k, const struct conf_node *n, void *base);

/*
 * Reads a map by its rows; `base` is the struct their offsets count from. Null is an empty map.
 * `also` may be NULL: names of keys that are allowed besides and read by the caller.
 */
void conf_section_read(struct conf_reader *r, const struct conf_key *keys, const char *const *also,
	const struct conf_node *map, void *base);
void conf_section_own(const struct conf_key *keys, void *base);
void conf_section_fini(const struct conf_key *keys, void *base);

/* A fault on every key of `map`, which may be no map at all, that is in neither list. */
bool conf_section_check(struct conf_reader *r, const struct conf_key *keys, const char *const *also,
	const struct conf_node *map);

/*
 * Reads the one of `keys` that `map` has to have: its row, NULL and a fault where it has none. Any
 * other is a fault too.
 */
const struct conf_key *conf_section_choose(struct conf_reader *r, const struct conf_key *keys,
	const struct conf_node *map, void *base);

void conf_key_print(const struct conf_key *k, const void *base, struct conf_printer *p);

/* A fault where `s`, written at `n`, is no template, or has what has no meaning there. */
bool conf_check_template(struct conf_reader *r, const struct conf_node *n, const char *s);

/* Strict: "08", "+1", "1_000", "0x10" and "1.0" are no numbers. */
bool conf_parse_int(const char *s, int64_t *out);

/* The text of a scalar that is not null; else NULL. */
const char *conf_scalar(const struct conf_node *n);

/* Quoted only where it must be. */
void conf_print_text(struct text *out, const char *s);

char **conf_list_copy(char *const *list); /* NULL stays NULL */
void conf_list_free(char **list);
size_t conf_list_size(char *const *list);

#endif
