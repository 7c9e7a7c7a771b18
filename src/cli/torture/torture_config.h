/* cli/torture_config: the configuration of a supervisor that `drover torture` starts. */
#ifndef DROVER_CLI_TORTURE_CONFIG_H
#define DROVER_CLI_TORTURE_CONFIG_H

#include "base/text.h"
#include "conf/conf.h"

enum { TORTURE_WORKERS = 4 };
#define TORTURE_CLASS	  "DroverTorture"
#define TORTURE_RUN_CLASS "DroverTortureRun"
#define TORTURE_QUEUE	  "torture"

struct torture_setup {
	const struct conf *conf; /* the user's: Redis and the lease are taken from it */
	const char *url;	 /* of Redis */
	const char *space;	 /* the namespace of its own */
	const char *state_dir, *name;
	const char *self, *ledger; /* the job: `self` torture job `ledger` */
	const char *items;	   /* the filter: `self` torture items `items` */
	int work_ms, item_ms, n_items;
};

/* Appends drover.yml. A password may stand in it: it belongs into a file nobody else reads. */
void torture_config_add(struct text *out, const struct torture_setup *s);

#endif
