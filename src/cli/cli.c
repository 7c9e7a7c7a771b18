/* cli: see cli.h. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/show.h"

int cli_fail(int code, const char *fmt, ...)
{
	char sentence[2048];
	struct text safe = {0};
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(sentence, sizeof sentence, fmt, ap);
	va_end(ap);
	show_add_safe(&safe, span_of(sentence));
	fprintf(stderr, "drover: %s\n", safe.data ? safe.data : "");
	text_fini(&safe);
	return code;
}

int cli_fail_client(const struct drover_error *error)
{
	static const int codes[] = {[DROVER_E_NONE] = CLI_ERROR,
		[DROVER_E_INVALID] = CLI_USAGE,
		[DROVER_E_UNREACHABLE] = CLI_UNREACHABLE,
		[DROVER_E_UNKNOWN] = CLI_UNREACHABLE,
		[DROVER_E_REFUSED] = CLI_ERROR,
		[DROVER_E_NOT_FOUND] = CLI_NOT_FOUND};

	return cli_fail(codes[error->kind], "%s", error->text);
}

int cli_flush(struct cli *cli)
{
	size_t at = 0;

	while (at < cli->out.len) {
		ssize_t n = write(STDOUT_FILENO, cli->out.data + at, cli->out.len - at);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EPIPE)
			break;
		if (n < 0)
			return cli_fail(-1, "standard output: %s", strerror(errno));
		at += (size_t)n;
	}
	text_clear(&cli->out);
	return 0;
}

void cli_add_doc(struct cli *cli, struct doc *doc)
{
	text_add(&cli->out, doc->text.data, doc->text.len);
	text_add_char(&cli->out, '\n');
	text_fini(&doc->text);
}

void cli_add_table(struct cli *cli, struct table *table)
{
	table_print(table, &cli->out, cli->width, cli->colour);
	table_fini(table);
}

void cli_list_open(struct cli_list *l, const struct table_column *columns, size_t n)
{
	l->doc = (struct doc){.more = false};
	table_init(&l->table, columns, n);
	doc_open(&l->doc, NULL, '[');
}

int cli_list_close(struct cli_list *l, struct cli *cli, int got, const struct drover_error *error)
{
	int code = got < 0 ? cli_fail_client(error) : CLI_OK;

	doc_close(&l->doc, ']');
	if (code == CLI_OK && cli->json)
		cli_add_doc(cli, &l->doc);
	else if (code == CLI_OK)
		cli_add_table(cli, &l->table);
	text_fini(&l->doc.text);
	table_fini(&l->table);
	return code;
}

struct span cli_span(struct drover_text t)
{
	return (struct span){t.at, t.len};
}
