/* cli/session: see session.h. */
#include <limits.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/must.h"
#include "cli/cli.h"
#include "cli/session.h"

const char *session_find_file(const struct args *args)
{
	const char *path = args_value(args, "-c");

	return path || args_has(args, "--redis") ? path : conf_find_file();
}

struct conf *session_load_conf(const struct args *args, struct text *faults)
{
	const char *path = session_find_file(args);

	return path ? conf_load(path, faults) : conf_new_default();
}

/* "resque:" -> "resque" */
static char *namespace_of(const char *prefix)
{
	size_t len = strlen(prefix);

	return must_strndup(prefix, len ? len - 1 : 0);
}

/* A password that is meant for the server in the file is not shown to another one. */
static int read_password(const struct args *args, const struct conf *conf, char **password)
{
	struct err err = {0};

	*password = NULL;
	if (!conf->redis.password_file || args_has(args, "--redis"))
		return CLI_OK;
	if (conf_read_password(conf->redis.password_file, password, &err) < 0)
		return cli_fail(CLI_BAD_CONFIG, "%s", err.text);
	return CLI_OK;
}

/* USER@HOST, for the audit of what is changed. */
static char *make_by(void)
{
	const struct passwd *user = getpwuid(geteuid());
	char host[HOST_NAME_MAX + 1] = "";

	gethostname(host, sizeof host - 1);
	return user ? must_printf("%s@%s", user->pw_name, host)
		    : must_printf("%lld@%s", (long long)geteuid(), host);
}

int session_open(const struct args *args, const struct conf *conf, struct drover_client **client)
{
	const char *option = args_value(args, "--redis"), *env = getenv("DROVER_REDIS_URL");
	const char *space = args_value(args, "--namespace");
	char *password, *spaced = namespace_of(conf->redis.prefix), *by = make_by();
	struct drover_error error;
	struct drover_options o = {.url = option	? option
					  : env && *env ? env
							: conf->redis.url,
		.redis_namespace = space ? space : spaced,
		.username = option ? NULL : conf->redis.username,
		.ca_file = conf->redis.ca_file,
		.cert_file = conf->redis.cert_file,
		.key_file = conf->redis.key_file,
		.server_name = conf->redis.server_name,
		.connect_timeout_ms = conf->redis.connect_timeout_ms,
		.command_timeout_ms = conf->redis.command_timeout_ms,
		.runs_kept_ms = conf->supervisor.runs_kept_ms,
		.ids_kept_ms = conf->supervisor.ids_kept_ms,
		.by = by};
	int code = read_password(args, conf, &password);

	if (code == CLI_OK) {
		o.password = password;
		*client = drover_client_open(&o, &error);
		if (!*client)
			code = cli_fail_client(&error);
	}
	if (password)
		explicit_bzero(password, strlen(password));
	free(password);
	free(spaced);
	free(by);
	return code;
}
