/*
 * items/serve: drover-items' conversation: is told what to serve, then answers questions about it,
 * one after another, until the other end is gone.
 */
#ifndef DROVER_ITEMS_SERVE_H
#define DROVER_ITEMS_SERVE_H

/* Takes over the socket. 0; 1 where the other end said what it never should. */
int serve(int fd);

#endif
