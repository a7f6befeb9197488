/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef DATAPLANE_TAP_TAP_MESSAGE_H
#define DATAPLANE_TAP_TAP_MESSAGE_H

#include "dataplane/session/transaction.h"

/* A message that goes by. */
struct tap_message {
    struct transaction *tx; /* NULL: none, or there was no memory for it */
    struct transaction_observed observed;
    struct chunk *gathered; /* bytes that are to be read together; NULL: none yet, or no memory */
    void *raw;              /* of who wants its bytes */
    bool begun;             /* its bytes have begun */
    bool whole;             /* no byte of it is missing */
    bool failed;            /* its content is no longer read */
    bool ended;
};

#endif
