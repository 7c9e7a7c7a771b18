/* droverd's reader of what a job says. */
#include <stdint.h>
#include <stdlib.h>

#include "wire/job_line.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct job_line l;
	struct err err;

	if (job_line_parse(&l, (struct span){(const char *)data, size}, &err) != 0)
		return 0;
	if (l.text.len > size || l.done < 0 || l.total < -1 || l.delay_ms < 0)
		abort();
	return 0;
}
