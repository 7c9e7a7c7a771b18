/* job: what the fault driver has performed: job LEDGER MS. The same as of `drover torture`, without
   the start of a large program. */
#include "cli/torture/torture_job.h"

#include <stdlib.h>

int main(int argc, char **argv)
{
	return argc == 3 ? torture_job(argv[1], strtol(argv[2], NULL, 10)) : 64;
}
