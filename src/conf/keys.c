/*
 * conf/keys: see keys.h. To add a key, add its member to conf.h, its row here, its default below
 * and a paragraph to drover.yml.5.
 */
#include "conf/keys.h"

#include <stdint.h>

#include "conf/conf.h"

#define SECOND INT64_C(1000)
#define MINUTE (60 * SECOND)
#define HOUR   (60 * MINUTE)
#define DAY    (24 * HOUR)
#define YEARS  (3650 * DAY)
#define K      (INT64_C(1) << 10)
#define M      (INT64_C(1) << 20)
#define T      (INT64_C(1) << 40)
#define ANY    INT64_MAX
#define NONE   CONF_KEY_NONE
#define EACH   CONF_KEY_EACH

const char conf_keys_defaults[] =
	"redis:\n"
	"  url: redis://127.0.0.1:6379/0\n"
	"  namespace: resque\n"
	"  connect_timeout: 5s\n" /* command_timeout: a third of the lease */
	"supervisor:\n"
	"  name: '%h'\n"
	"  lease: 15s\n"
	"  flush: 1s\n"
	"  poll: 1s\n"
	"  shutdown_grace: 25s\n"
	"  kill_grace: 5s\n"
	"  state_dir: /run/drover\n"
	"  runs_kept: 7d\n"
	"  ids_kept: 7d\n"
	"  max_payload: 8M\n"
	"  log: {level: info, format: logfmt}\n"
	"defaults:\n"
	"  timeout: 10m\n"
	"  memory: 512M\n"
	"  cpu: none\n"
	"  processes: none\n"
	"  open_files: 1024\n"
	"  core: 0\n"
	"  nice: 0\n"
	"  delivery: at-least-once\n"
	"  retries: 0\n"
	"  backoff: {kind: exponential, first: 10s, factor: 2, max: 1h, jitter: full}\n"
	"  exclusive: false\n"
	"  max_recoveries: 3\n"
	"  keep_output: 64K\n"
	"  env: {}\n"
	"  pass_env: [PATH, HOME, LANG, TZ]\n"
	"  directory: /\n"
	"  user: null\n"
	"  reuse: 1\n"
	"  spares: 0\n"
	"  address_space: false\n"
	"  adopt_orphans: true\n"
	"  track: false\n"
	"  unique: false\n"
	"  unique_for: 1d\n"
	"  max_running: none\n"
	"  overlap: allow\n"
	"  batch: 1\n"
	"  parallel: 1\n"
	"  limit: none\n"
	"  from: none\n"
	"  to: none\n"
	"  max_items: none\n"
	"  max_runtime: none\n"
	"  rate: none\n"
	"  throttle_backoff: 10s\n"
	"  filter_tty: false\n"
	"  item_retries: 0\n"
	"  item_backoff: {kind: exponential, first: 1s, factor: 2, max: 1h, jitter: full}\n"
	"  on_item_error: stop\n"
	"  max_item_errors: 1000\n"
	"  on_part_failure: go-on\n"
	"  on_change: fail\n";

static const char *const LEVELS[] = {"error", "warn", "info", "debug", NULL}; /* enum log_level */
static const char *const FORMATS[] = {"logfmt", "json", NULL};
static const char *const KINDS[] = {"exponential", "linear", "constant", NULL};
static const char *const JITTERS[] = {"none", "full", NULL};
static const char *const DELIVERIES[] = {"at-least-once", "at-most-once", NULL};
static const char *const OVERLAPS[] = {"allow", "skip", "queue-one", "replace", NULL};
static const char *const ITEM_ERRORS[] = {"stop", "skip", "pause", NULL};
static const char *const PART_FAILURES[] = {"go-on", "stop", NULL};
static const char *const CHANGES[] = {"fail", "continue", NULL};
static const char *const CATCH_UPS[] = {"none", "last", "all", NULL};
static const char *const ORDERS[] = {"priority", "weighted", NULL};

/* A row is name, type, offset, min, max, flags, more. */
#define AT(member) offsetof(struct conf_redis, member)
const struct conf_key conf_keys_redis[] = {
	{"url", &conf_type_url, AT(url), 1, 0, CONF_KEY_SECRET, NULL},
	{"username", &conf_type_string, AT(username), 1, 256, NONE, NULL},
	{"password_file", &conf_type_string, AT(password_file), 1, 0, NONE, NULL},
	{"ca_file", &conf_type_string, AT(ca_file), 1, 0, NONE, NULL},
	{"cert_file", &conf_type_string, AT(cert_file), 1, 0, NONE, NULL},
	{"key_file", &conf_type_string, AT(key_file), 1, 0, NONE, NULL},
	{"server_name", &conf_type_string, AT(server_name), 1, 256, NONE, NULL},
	{"namespace", &conf_type_namespace, AT(prefix), 0, 256, 0, NULL},
	{"connect_timeout", &conf_type_duration, AT(connect_timeout_ms), 100, 10 * MINUTE, 0, NULL},
	{"command_timeout", &conf_type_duration, AT(command_timeout_ms), 10, 10 * MINUTE, 0, NULL},
	{0},
};
#undef AT

#define AT(member) offsetof(struct conf_supervisor, member)
/* Sections within a section have their own struct; these two members stand in their parent's. */
#define IN_LOG(member) (AT(member) - AT(log_level))
static const struct conf_key LOG[] = {
	{"level", &conf_type_choice, IN_LOG(log_level), 0, 0, 0, LEVELS},
	{"format", &conf_type_choice, IN_LOG(log_format), 0, 0, 0, FORMATS},
	{0},
};
_Static_assert(AT(log_format) > AT(log_level), "offsets in a section count from its first member");

const struct conf_key conf_keys_supervisor[] = {
	{"name", &conf_type_name, AT(name), 1, 512, 0, NULL},
	{"lease", &conf_type_duration, AT(lease_ms), SECOND, 10 * MINUTE, 0, NULL},
	{"flush", &conf_type_duration, AT(flush_ms), 10, 10 * MINUTE, 0, NULL},
	{"poll", &conf_type_duration, AT(poll_ms), 100, MINUTE, 0, NULL},
	{"shutdown_grace", &conf_type_duration, AT(shutdown_grace_ms), 0, 30 * DAY, NONE, NULL},
	{"kill_grace", &conf_type_duration, AT(kill_grace_ms), 0, HOUR, 0, NULL},
	{"state_dir", &conf_type_string, AT(state_dir), 1, 0, 0, NULL},
	{"user", &conf_type_string, AT(user), 1, 256, NONE, NULL},
	{"group", &conf_type_string, AT(group), 1, 256, NONE, NULL},
	{"runs_kept", &conf_type_duration, AT(runs_kept_ms), SECOND, YEARS, 0, NULL},
	{"ids_kept", &conf_type_duration, AT(ids_kept_ms), SECOND, YEARS, 0, NULL},
	{"max_payload", &conf_type_size, AT(max_payload_bytes), K, 512 * M, 0, NULL},
	{"log", &conf_type_section, AT(log_level), 0, 0, 0, LOG},
	{0},
};
#undef AT

#define AT(member) offsetof(struct conf_backoff, member)
static const struct conf_key BACKOFF[] = {
	{"kind", &conf_type_choice, AT(kind), 0, 0, 0, KINDS},
	{"first", &conf_type_duration, AT(first_ms), 0, 30 * DAY, 0, NULL},
	{"factor", &conf_type_real, AT(factor), 1, 100, 0, NULL},
	{"max", &conf_type_duration, AT(max_ms), 0, 365 * DAY, 0, NULL},
	{"jitter", &conf_type_either, AT(full_jitter), 0, 0, 0, JITTERS},
	{0},
};
#undef AT

#define AT(member) offsetof(struct conf_class, member)
const struct conf_key conf_keys_class[] = {
	{"timeout", &conf_type_duration, AT(timeout_ms), 10, 365 * DAY, NONE, NULL},
	{"memory", &conf_type_size, AT(memory_bytes), M, 64 * T, NONE, NULL},
	{"cpu", &conf_type_duration, AT(cpu_ms), 10, 365 * DAY, NONE, NULL},
	{"processes", &conf_type_count, AT(processes), 1, 4194304, NONE, NULL},
	{"open_files", &conf_type_count, AT(open_files), 8, 1073741816, NONE, NULL},
	{"core", &conf_type_size, AT(core_bytes), 0, 64 * T, NONE, NULL},
	{"address_space", &conf_type_bool, AT(address_space), 0, 0, 0, NULL},
	{"nice", &conf_type_int, AT(nice), -20, 19, 0, NULL},
	{"delivery", &conf_type_either, AT(at_most_once), 0, 0, 0, DELIVERIES},
	{"keep_output", &conf_type_size, AT(keep_output_bytes), 0, 16 * M, 0, NULL},
	{"env", &conf_type_env, AT(env), 0, 0, 0, NULL},
	{"pass_env", &conf_type_names, AT(pass_env), 0, 0, 0, NULL},
	{"directory", &conf_type_path, AT(directory), 1, 0, 0, NULL},
	{"user", &conf_type_string, AT(user), 1, 256, NONE, NULL},
	{"reuse", &conf_type_int, AT(reuse), 1, 1000000, 0, NULL},
	{"spares", &conf_type_int, AT(spares), 0, 1000, 0, NULL},
	{"adopt_orphans", &conf_type_bool, AT(adopt_orphans), 0, 0, 0, NULL},
	{"track", &conf_type_bool, AT(track), 0, 0, 0, NULL},
	{"retries", &conf_type_count, AT(retries), 0, 1000, 0, NULL},
	{"backoff", &conf_type_section, AT(backoff), 0, 0, 0, BACKOFF},
	{"exclusive", &conf_type_bool, AT(exclusive), 0, 0, 0, NULL},
	{"max_recoveries", &conf_type_count, AT(max_recoveries), 0, 1000, 0, NULL},
	{"unique", &conf_type_bool, AT(unique), 0, 0, 0, NULL},
	{"unique_for", &conf_type_duration, AT(unique_for_ms), SECOND, YEARS, 0, NULL},
	{"max_running", &conf_type_count, AT(max_running), 1, 1000000, NONE, NULL},
	{"overlap", &conf_type_choice, AT(overlap), 0, 0, 0, OVERLAPS},

	{"then", &conf_type_follow, AT(then), 0, 0, 0, NULL},
	{"on_failure", &conf_type_follow, AT(on_failure), 0, 0, 0, NULL},
	{"on_cancel", &conf_type_follow, AT(on_cancel), 0, 0, 0, NULL},
	{"batch", &conf_type_count, AT(batch), 1, 1000000, EACH, NULL},
	{"parallel", &conf_type_count, AT(parallel), 1, CONF_PARALLEL_MOST, EACH, NULL},
	{"limit", &conf_type_count, AT(limit), 0, ANY, NONE | EACH, NULL},
	{"from", &conf_type_count, AT(from), 0, ANY, NONE | EACH, NULL},
	{"to", &conf_type_count, AT(to), 0, ANY, NONE | EACH, NULL},
	{"max_items", &conf_type_count, AT(max_items), 1, ANY, NONE, NULL},
	{"max_runtime", &conf_type_duration, AT(max_runtime_ms), SECOND, YEARS, NONE, NULL},
	{"rate", &conf_type_rate, AT(rate), 1, 1000000000, EACH, NULL},
	{"throttle", &conf_type_argv, AT(throttle), 0, 0, NONE | EACH, NULL},
	{"throttle_backoff", &conf_type_duration, AT(throttle_backoff_ms), SECOND, DAY, EACH, NULL},
	{"filter_tty", &conf_type_bool, AT(filter_tty), 0, 0, EACH, NULL},
	{"item_retries", &conf_type_count, AT(item_retries), 0, 1000, EACH, NULL},
	{"item_backoff", &conf_type_section, AT(item_backoff), 0, 0, EACH, BACKOFF},
	{"on_item_error", &conf_type_choice, AT(on_item_error), 0, 0, EACH, ITEM_ERRORS},
	{"max_item_errors", &conf_type_count, AT(max_item_errors), 0, 1000000, EACH, NULL},
	{"on_part_failure", &conf_type_either, AT(on_part_failure_stop), 0, 0, EACH, PART_FAILURES},
	{"on_change", &conf_type_either, AT(on_change_continue), 0, 0, EACH, CHANGES},
	{"on_start", &conf_type_argv, AT(on_start), 0, 0, NONE | EACH, NULL},
	{"on_resume", &conf_type_argv, AT(on_resume), 0, 0, NONE | EACH, NULL},
	{"on_interrupt", &conf_type_argv, AT(on_interrupt), 0, 0, NONE | EACH, NULL},
	{"on_complete", &conf_type_argv, AT(on_complete), 0, 0, NONE | EACH, NULL},
	{0},
};

const struct conf_key conf_keys_handler[] = {
	{"command", &conf_type_argv, AT(command), 0, 0, 0, NULL},
	{"each", &conf_type_each, AT(each), 0, 0, 0, NULL},
	{"filter", &conf_type_argv, AT(filter), 0, 0, 0, NULL},
	{"function", &conf_type_string, AT(function), 1, 256, 0, NULL},
	{0},
};
#undef AT

const struct conf_key conf_keys_pool[] = {
	{"workers", &conf_type_int, offsetof(struct conf_pool, workers), 0, 1000, 0, NULL},
	{"order", &conf_type_either, offsetof(struct conf_pool, weighted), 0, 0, 0, ORDERS},
	{"queues", &conf_type_queues, 0, 0, 0, 0, NULL},
	{0},
};

#define AT(member) offsetof(struct conf_schedule, member)
const struct conf_key conf_keys_schedule[] = {
	{"cron", &conf_type_cron, 0, 0, 0, 0, NULL},
	{"timezone", &conf_type_zone, 0, 0, 0, 0, NULL},
	{"class", &conf_type_string, AT(class_name), 1, 256, 0, NULL},
	{"queue", &conf_type_string, AT(queue), 1, 256, 0, NULL},
	{"args", &conf_type_args, AT(args_json), 0, 0, 0, NULL},
	{"catch_up", &conf_type_choice, AT(catch_up), 0, 0, 0, CATCH_UPS},
	{0},
};
#undef AT
