/* cli/torture_job: the job of `drover torture`, and of tests/torture. In a job's process. */
#ifndef DROVER_CLI_TORTURE_JOB_H
#define DROVER_CLI_TORTURE_JOB_H

/*
 * Appends "begin JID TOKEN LEASE PID MS 0" to the file `ledger`, works for `ms`, appends "end ..".
 * MS is CLOCK_MONOTONIC. Instead of begin: "beside .. OTHER" where the process OTHER runs the same
 * job at that very moment. Returns the exit code.
 */
int torture_job(const char *ledger, long ms);

#endif
