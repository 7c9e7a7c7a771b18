/*
 * drover checkpoint, progress, note, result: what a job written as a shell script says to its
 * supervisor, over the job socket it has inherited as DROVER_FD. Runs inside a job: it knows no
 * Redis and no configuration.
 */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "cli/cli.h"
#include "wire/job_line.h"

/* -1 where there is none, which has been said then. */
static int job_socket(void)
{
	const char *text = getenv("DROVER_FD");
	long long n = text ? args_number(text) : -1;

	if (n < 0 || n > 1 << 20)
		return cli_fail(-1, "DROVER_FD is not set: this only works inside a job");
	return (int)n;
}

static void wait_for(int fd, short events)
{
	struct pollfd p = {.fd = fd, .events = events};

	while (poll(&p, 1, -1) < 0 && errno == EINTR)
		;
}

static int send_all(int fd, const char *bytes, size_t len)
{
	while (len > 0) {
		ssize_t n = send(fd, bytes, len, MSG_NOSIGNAL);

		if (n < 0 && errno == EAGAIN)
			wait_for(fd, POLLOUT);
		else if (n < 0 && errno != EINTR)
			return -1;
		if (n > 0) {
			bytes += n;
			len -= (size_t)n;
		}
	}
	return 0;
}

/* The answer, one byte at a time: what comes behind its newline is for somebody else. */
static int read_answer(int fd, char *out, size_t size)
{
	size_t len = 0;

	while (len + 1 < size) {
		ssize_t n = read(fd, out + len, 1);

		if (n < 0 && errno == EAGAIN)
			wait_for(fd, POLLIN);
		else if (n < 0 && errno != EINTR)
			return -1;
		if (n == 0)
			return -1;
		if (n > 0 && out[len++] == '\n')
			break;
	}
	out[len] = '\0';
	return 0;
}

static int say(int fd, const char *word, const struct args *args)
{
	struct job_line parsed;
	struct text line = {0};
	struct err err = {0};
	int code = CLI_OK;

	text_add_str(&line, word);
	for (size_t i = 0; i < args->n_words; i++) {
		text_add_char(&line, ' ');
		text_add_str(&line, args->words[i]);
	}
	if (memchr(line.data, '\n', line.len))
		code = cli_fail(CLI_USAGE, "%s: a line break cannot be said", word);
	else if (job_line_parse(&parsed, (struct span){line.data, line.len}, &err) < 0)
		code = cli_fail(CLI_USAGE, "%s", err.text);
	text_add_char(&line, '\n');
	if (code == CLI_OK && send_all(fd, line.data, line.len) < 0)
		code = cli_fail(CLI_ERROR, "the supervisor is not there: %s", strerror(errno));
	text_fini(&line);
	return code;
}

static int say_word(struct cli *cli, const char *word)
{
	int fd = job_socket();

	return fd < 0 ? CLI_ERROR : say(fd, word, &cli->args);
}

/* Nobody there to answer is a stop: whoever goes on now is not recorded anywhere. */
static int run_checkpoint(struct cli *cli)
{
	char answer[16];
	int fd = job_socket(), code = fd < 0 ? CLI_ERROR : say(fd, "cursor", &cli->args);

	if (code != CLI_OK)
		return code;
	if (read_answer(fd, answer, sizeof answer) < 0)
		return cli_fail(CLI_TIME_OVER, "the supervisor gave no answer");
	return strcmp(answer, JOB_GO) == 0 ? CLI_OK : CLI_TIME_OVER;
}

static int run_progress(struct cli *cli)
{
	return say_word(cli, "progress");
}

static int run_note(struct cli *cli)
{
	return say_word(cli, "note");
}

static int run_result(struct cli *cli)
{
	return say_word(cli, "result");
}

const struct cli_verb verb_checkpoint = {.name = "checkpoint",
	.synopsis = "TEXT",
	.summary = "inside a job: all up to TEXT is done; exits 75 if it shall stop",
	.words_min = 1,
	.words_max = 1,
	.alone = true,
	.run = run_checkpoint};

const struct cli_verb verb_progress = {.name = "progress",
	.synopsis = "DONE [TOTAL]",
	.summary = "inside a job: how far it is",
	.words_min = 1,
	.words_max = 2,
	.alone = true,
	.run = run_progress};

const struct cli_verb verb_note = {.name = "note",
	.synopsis = "TEXT",
	.summary = "inside a job: what it is doing now",
	.words_min = 1,
	.words_max = 1,
	.alone = true,
	.run = run_note};

const struct cli_verb verb_result = {.name = "result",
	.synopsis = "JSON",
	.summary = "inside a job: what came of it",
	.words_min = 1,
	.words_max = 1,
	.alone = true,
	.run = run_result};
