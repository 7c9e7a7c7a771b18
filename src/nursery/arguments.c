/* nursery/arguments: see arguments.h. */
#include "nursery/arguments.h"

#include "nursery/floor.h"
#include "nursery/plan_print.h"
#include "nursery/undertaker.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char usage[] =
	"drover-nursery is started by droverd: --lease ID on descriptor 3; by hand: "
	"--undertake ID, --floor N OUTSTANDING, --floor-spawn N OUTSTANDING PROGRAM, --plan ITEMS";

static const struct {
	const char *option;
	enum nursery_mode mode;
	int words; /* due behind it */
} options[] = {
	{"--lease", MODE_SERVE, 1},
	{"--undertake", MODE_UNDERTAKE, 1},
	{"--floor", MODE_FLOOR, 2},
	{"--floor-spawn", MODE_FLOOR_SPAWN, 3},
	{"--plan", MODE_PLAN, 1},
};

static int parse_count(const char *text, long *out)
{
	char *end;

	*out = strtol(text, &end, 10);
	return *text && !*end && *out > 0 && *out <= 1000000000L ? 0 : -1;
}

static int parse_words(struct arguments *a, char **words)
{
	if (a->mode == MODE_SERVE || a->mode == MODE_UNDERTAKE) {
		a->lease = words[0];
		a->rest = words + 1;
		return *a->lease ? 0 : -1;
	}
	a->rest = words + (a->mode == MODE_PLAN ? 1 : 2);
	if (a->mode == MODE_PLAN)
		return parse_count(words[0], &a->n);
	return parse_count(words[0], &a->n) == 0 ? parse_count(words[1], &a->outstanding) : -1;
}

int arguments_parse(struct arguments *a, int modules, int argc, char **argv, struct err *err)
{
	*a = (struct arguments){0};
	for (size_t i = 0; argc > 1 && i < sizeof options / sizeof *options; i++) {
		if (strcmp(argv[1], options[i].option) != 0)
			continue;
		a->mode = options[i].mode;
		if (argc - 2 < options[i].words || parse_words(a, argv + 2) != 0)
			break;
		if (a->mode != MODE_FLOOR_SPAWN && a->rest[0] &&
			(!modules || a->mode == MODE_UNDERTAKE || a->mode == MODE_PLAN))
			return err_set(err, "%s: not understood; modules are for %s", a->rest[0],
				"drover-nursery-module");
		return 0;
	}
	return err_set(err, "%s", usage);
}

int arguments_perform(const struct arguments *a)
{
	struct err err;
	int done = 0;

	switch (a->mode) {
	case MODE_SERVE:
		return -1;
	case MODE_UNDERTAKE:
		done = undertaker_run(a->lease, &err);
		break;
	case MODE_FLOOR:
		done = floor_fork(a->n, a->outstanding, &err);
		break;
	case MODE_FLOOR_SPAWN:
		done = floor_spawn(a->n, a->outstanding, a->rest, &err);
		break;
	case MODE_PLAN:
		done = plan_print(a->n, &err);
		break;
	}
	if (done != 0)
		fprintf(stderr, "drover-nursery: %s\n", err.text);
	return done == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
