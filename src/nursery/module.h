/* nursery/module: shared objects with C functions, loaded once. In the nursery with modules. */
#ifndef DROVER_NURSERY_MODULE_H
#define DROVER_NURSERY_MODULE_H

#include "base/err.h"
#include "base/text.h"
#include "nursery/function.h"

/* Finds among what was loaded. */
extern const struct function_source module_functions;

/* Takes the table of a module that is linked into this program, if there is one. */
int module_take_linked(struct err *err);

/* Loads one; `err` begins with its path. It is never unloaded. */
int module_load(const char *path, struct err *err);

/* Calls the preload hooks in the order of loading. */
int module_preload(struct err *err);

/* Appends the names of all functions as a JSON array. */
void module_add_names(struct text *out);

#endif
