/*
 * crash: places where a process kills itself, so that a test can see what comes of it there. In a
 * normal build they are nothing. With -DDROVER_CRASH_POINTS (make CRASH=1) a process whose
 * environment holds DROVER_CRASH=NAME[:NTH[:FILE]] sends itself SIGKILL at the NTH passing of the
 * point NAME. With FILE, passings are counted there, a byte each, over all processes and starts,
 * so that just one of them dies; without it each process counts for itself.
 */
#ifndef DROVER_BASE_CRASH_H
#define DROVER_BASE_CRASH_H

#ifdef DROVER_CRASH_POINTS

#include <stdlib.h>

/* Every point, in the order of a job's life. A name that is not here is our bug, and aborts. */
extern const char *const crash_points[]; /* ends with NULL */

/* The point `name`, or `name`.`when`. Allocates nothing: it is called between clone and exec, too. */
void crash_pass(const char *name, const char *when);

/* What was asked of this process, for those it starts; NULL: nothing. */
#define CRASH_WISH		   getenv("DROVER_CRASH")
#define CRASH_POINT(name)	   crash_pass((name), NULL)
#define CRASH_SCRIPT(script, when) crash_pass((script), (when))

#else

#define CRASH_WISH		   ((const char *)NULL)
#define CRASH_POINT(name)	   ((void)0)
#define CRASH_SCRIPT(script, when) ((void)0)

#endif
#endif
