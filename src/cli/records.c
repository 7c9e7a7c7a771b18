/* cli/records: see records.h. */
#include "cli/records.h"

struct drover_failed_filter records_filter(const struct args *args)
{
	return (struct drover_failed_filter){.class_name = args_value(args, "--class"),
		.queue = args_value(args, "--queue"),
		.error = args_value(args, "--error")};
}

bool records_has_filter(const struct args *args)
{
	return args_has(args, "--class") || args_has(args, "--queue") || args_has(args, "--error");
}

struct found {
	struct text *record;
	long long index;
};

static enum drover_next keep(void *ctx, const struct drover_failed_info *failed)
{
	struct found *f = ctx;

	text_clear(f->record);
	text_add_span(f->record, cli_span(failed->record));
	f->index = failed->index;
	return DROVER_GO_ON;
}

int records_find(struct cli *cli, const char *name, struct text *record, long long *index)
{
	const struct drover_failed_filter by_jid = {.jid = name};
	struct found f = {.record = record, .index = -1};
	long long n = args_number(name);
	struct drover_error error;
	int rc;

	if (n >= 0)
		rc = drover_failed_at(cli->client, n, keep, &f, &error);
	else
		rc = drover_failed_each(cli->client, &by_jid, keep, &f, &error);
	if (rc < 0)
		return cli_fail_client(&error);
	if (f.index < 0)
		return cli_fail(CLI_NOT_FOUND, "no failed record of a job %s", name);
	*index = f.index;
	return CLI_OK;
}
