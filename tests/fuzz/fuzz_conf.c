/*
 * The configuration, from memory: it must be refused with a fault, or its dump must load again to
 * a dump that is the same to the byte.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conf/conf.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must_be(int fine, const char *what, const struct text *words)
{
	if (fine)
		return;
	fprintf(stderr, "%s\n%s\n", what, words->data ? words->data : "");
	abort();
}

static void check_dump(const struct conf *c)
{
	struct text first = {0}, second = {0}, faults = {0};
	struct conf *again;

	conf_dump(c, &first);
	if (first.len <= 1 << 20) {
		again = conf_parse("dump", (struct span){first.data, first.len}, &faults);
		must_be(again != NULL, "the dump is refused", &faults);
		conf_dump(again, &second);
		must_be(strcmp(first.data, second.data) == 0, "the dump changes", &second);
		conf_unref(again);
	}
	text_fini(&first);
	text_fini(&second);
	text_fini(&faults);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct text faults = {0}, same = {0};
	struct conf *c = conf_parse("fuzz", (struct span){(const char *)data, size}, &faults);

	must_be((c != NULL) == (faults.len == 0), "neither faults nor a result, or both", &faults);
	must_be(utf8_valid((struct span){faults.data, faults.len}), "faults are no UTF-8", &faults);
	if (c) {
		check_dump(c);
		conf_find_class(c, (struct span){(const char *)data, size < 64 ? size : 64});
		conf_fixed_differences(c, c, &same);
		must_be(same.len == 0, "it differs from itself", &same);
	}
	conf_unref(c);
	text_fini(&faults);
	text_fini(&same);
	return 0;
}
