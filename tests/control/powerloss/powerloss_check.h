/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef TESTS_CONTROL_POWERLOSS_POWERLOSS_CHECK_H
#define TESTS_CONTROL_POWERLOSS_POWERLOSS_CHECK_H

#include "proto/base/span.h"

/* What was asked and answered up to a cut, and what a store that came back from it must hold. */
struct powerloss_check;

struct powerloss_verdict {
    uint64_t answered; /* deliveries that must be there */
    uint64_t lost;  /* of those, how many are not; and how many are there again that were deleted */
    uint64_t wrong; /* everything else: half a message, one twice, other bytes, a UID used again, a
                       store that does not open */
};

struct powerloss_check *powerloss_check_new(void);
void powerloss_check_free(struct powerloss_check *c);
/* A powerloss_on_mark. */
void powerloss_check_mark(void *context, struct span bytes);
/* Opens the store in `folder`, looks at everything, and goes on using it. Says what is wrong as TAP
 * comments. */
struct powerloss_verdict powerloss_check_store(struct powerloss_check *c, const char *folder);

#endif
