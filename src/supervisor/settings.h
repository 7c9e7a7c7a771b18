/*
 * settings: a loaded configuration with what droverd derives from it once, so that no job pays
 * for it: the class part of the job message, the nursery each class needs. Counted by reference:
 * a job keeps the settings it was started under, over reloads.
 */
#ifndef DROVER_SUPERVISOR_SETTINGS_H
#define DROVER_SUPERVISOR_SETTINGS_H

#include "conf/conf.h"

enum nursery_kind { NURSERY_COMMANDS, NURSERY_MODULES, NURSERY_KINDS };

struct class_settings {
	const struct conf_class *conf;
	enum nursery_kind nursery;
	struct text part; /* encoded by wire/job_message */
};

struct settings {
	unsigned refs;
	struct conf *conf;
	struct class_settings *classes; /* in the order of conf->classes */
};

/* Takes over the caller's reference to `conf`. NULL and a sentence where a user is not known. */
struct settings *settings_new(struct conf *conf, struct err *err);
struct settings *settings_ref(struct settings *s);
void settings_unref(struct settings *s);

/* NULL where no class entry matches. */
const struct class_settings *settings_find(const struct settings *s, struct span class_name);

#endif
