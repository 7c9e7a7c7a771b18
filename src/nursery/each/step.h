/* nursery/each/step: how an `each` goes on after an item, or ends. In its child. */
#ifndef DROVER_NURSERY_EACH_STEP_H
#define DROVER_NURSERY_EACH_STEP_H

/* All but the first are the exit status of the child. */
enum each_step {
	EACH_ON = -1,
	EACH_DONE = 0,	      /* nothing is left up to the end */
	EACH_FAILED = 1,      /* an attempt of the job failed; an `error` line says why */
	EACH_LATER = 75,      /* stopped, or it gives its worker back */
	EACH_FOR_GOOD = 100,  /* likewise, and trying again does not help */
	EACH_NOT_BEGUN = 127, /* something it needs cannot be started */
};

#endif
