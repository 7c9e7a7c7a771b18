/* The child's reader of a job message; what it takes must be whole to whoever walks it. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "wire/job_message.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static size_t walk(const char *const *list)
{
	size_t sum = 0;

	for (; *list; list++)
		sum += strlen(*list);
	return sum;
}

/* The head is put right, so that the fuzzer works on what stands behind it. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct job_head head = {JOB_MAGIC, (uint32_t)(size + sizeof head)};
	char *bytes = malloc(size + sizeof head);
	struct job_message m;
	struct err err;

	memcpy(bytes, &head, sizeof head);
	memcpy(bytes + sizeof head, data, size);
	if (job_message_decode(&m, bytes, size + sizeof head, &err) == 0) {
		size_t sum = walk((const char *const *)job_argv(&m)) +
			     walk((const char *const *)job_env(&m));

		if (sum + m.args.len + strlen(m.jid) + strlen(m.class_name) > 2 * size + 2)
			abort();
		job_message_fini(&m);
	}
	if (size >= sizeof head)
		job_message_decode(&m, (const char *)data, size, &err);
	free(bytes);
	return 0;
}
