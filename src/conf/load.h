/* conf/load: what the files of one configuration are read with. Internal to conf. */
#ifndef DROVER_CONF_LOAD_H
#define DROVER_CONF_LOAD_H

#include "conf/conf.h"
#include "conf/type.h"

struct conf_loader {
	struct conf *conf;
	struct conf_faults faults;
	struct conf_reader reader;
	bool follow; /* read the files that `include` names */

	/* Trees live until the end, for a fault may name two places. The first is the main file's. */
	struct conf_node **trees;
	char **files;
	size_t n_trees;

	/* Where conf's pools, classes, modules, schedules are written; the same indices. */
	const struct conf_node **pools, **classes, **modules, **schedules;
	size_t n_modules;
};

/* entries.c: sections of named things, which several files may add to */
void conf_entries_read_pools(struct conf_loader *l, const struct conf_node *map);
void conf_entries_read_jobs(struct conf_loader *l, const struct conf_node *map);
void conf_entries_read_modules(struct conf_loader *l, const struct conf_node *list);
void conf_entries_read_schedule(struct conf_loader *l, const struct conf_node *map);

/* handlers.c: what performs the jobs of an entry, and what may stand beside it */
void conf_handlers_read(struct conf_loader *l, const struct conf_node *n, struct conf_class *class);

/* type_cron.c; false with a sentence, "is no ...", and nothing changed */
bool conf_schedule_set_zone(struct conf_schedule *s, const char *name, struct err *err);

/* check.c: what no single key can tell; to be called once all is read */
void conf_check_all(struct conf_loader *l);

#endif
