/*
 * tree: the processes of one job, read from /proc: its main process and all below it. The main
 * process is a subreaper, so what it starts stays below it, whatever session it makes.
 */
#ifndef DROVER_SUPERVISOR_TREE_H
#define DROVER_SUPERVISOR_TREE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct tree_use {
	int64_t rss_bytes; /* summed: pages shared between processes count more than once */
	int64_t cpu_ms;	   /* of the living and of those they waited for */
	int64_t processes; /* processes and threads */
};

/* A process that ends meanwhile is left out. `more` asks for cpu_ms and threads too. */
void tree_measure(pid_t root, bool more, struct tree_use *use);

/* Proportional memory of the tree; dear (7 ms for 2 GiB), so only asked when RSS is too much. */
int64_t tree_measure_pss(pid_t root);

/* Calls fn for every child of `pid`, of all its threads, zombies included. */
typedef void tree_child_fn(void *ctx, pid_t child);
void tree_each_child(pid_t pid, tree_child_fn *fn, void *ctx);

/* The same for this process, which has one thread; the file stays open between calls. */
void tree_each_own_child(tree_child_fn *fn, void *ctx);

/* The environment `pid` was started with holds the entry NAME=VALUE. */
bool tree_environ_holds(pid_t pid, const char *entry);

#endif
