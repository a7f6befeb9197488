/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_MAIL_MAIL_SOURCE_H
#define CONTROL_MAIL_MAIL_SOURCE_H

#include "control/store/store_mailbox.h"

struct mail_surrogate;

/* A message as a session reads it: as it lies in the store, or as its surrogate. Borrows all. */
struct mail_source {
    struct store *store;
    const struct store_reading *reading;    /* NULL: none */
    const struct mail_surrogate *surrogate; /* NULL: as it lies in the store */
    struct span prefix, tree;               /* as of struct store_reading */
};

static inline struct mail_source mail_source_of(struct store *store,
                                                const struct store_reading *reading)
{
    return (struct mail_source){
        .store = store, .reading = reading, .prefix = reading->prefix, .tree = reading->tree};
}

/* As store_reading_read(). *pin_out NULL: the bytes are the surrogate's, and there as long as it
 * is.
 */
enum store_status mail_source_read(const struct mail_source *s, uint64_t at, struct span *bytes_out,
                                   void **pin_out);

#endif
