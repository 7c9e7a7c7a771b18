/*
 * message/class: the part of a job's message (wire/job_message.h) that is the same for every job of
 * a class: handler, limits, environment.
 */
#ifndef DROVER_MESSAGE_CLASS_H
#define DROVER_MESSAGE_CLASS_H

#include "base/err.h"
#include "base/text.h"
#include "conf/conf.h"

/* Appends it. -1 and a sentence where its user is not known here. */
int message_add_class(struct text *out, const struct conf_class *c, struct err *err);

/* A whole job or an item of one, by a C function: in a nursery that has the modules. */
bool message_uses_modules(const struct conf_class *c);

#endif
