/* conf/keys: every key of drover.yml, a row each, and its default. Internal to conf. */
#ifndef DROVER_CONF_KEYS_H
#define DROVER_CONF_KEYS_H

#include "conf/type.h"

/* The offsets count from struct conf_redis, conf_supervisor, conf_class, conf_pool, conf_schedule. */
extern const struct conf_key conf_keys_redis[];
extern const struct conf_key conf_keys_supervisor[];
extern const struct conf_key conf_keys_class[];
extern const struct conf_key conf_keys_pool[];
extern const struct conf_key conf_keys_schedule[];

/* What a job entry alone has; conf_keys_handler are rows of struct conf_class. */
extern const struct conf_key conf_keys_handler[];

/* What `redis`, `supervisor` and `defaults` are where the file does not say otherwise. */
extern const char conf_keys_defaults[];

#endif
