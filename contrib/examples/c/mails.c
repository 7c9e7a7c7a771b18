/*
 * mails: a module for `each` with a C function (drover/job.h). drover reads the collection, keeps
 * the cursor and calls the function with one item after the other, in one process: an item costs
 * as much as the function does, and some tens of nanoseconds.
 */
#include <drover/job.h>

#include <stdio.h>
#include <string.h>

/* `each: {json: ..}`: the item is a JSON object on one line. */
static int write_mail(struct drover_job *job, const struct drover_item *item)
{
	json_t *mail = json_loadb(item->text, item->len, 0, NULL);
	const char *to = json_string_value(json_object_get(mail, "to"));
	int answer = DROVER_DONE;

	if (!to)
		answer = DROVER_SKIP;
	else if (!strchr(to, '@'))
		answer = drover_error(job, "Mail::Address", to); /* DROVER_FAILED */
	else
		printf("mail %d to %s\n", (int)item->number, to);
	json_decref(mail);
	return answer;
}

DROVER_MODULE = {
	DROVER_EACH(write_mail),
	DROVER_END,
};
