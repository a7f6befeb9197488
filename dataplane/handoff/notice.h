/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef DATAPLANE_HANDOFF_NOTICE_H
#define DATAPLANE_HANDOFF_NOTICE_H

#include <stdint.h>

/* From control to workers, unasked. */
enum notice_kind {
    NOTICE_DRAIN, /* accept no more connections, finish transactions, then 421; argument:
                     milliseconds until the rest is cut */
    NOTICE_MAIL,  /* an idling session of IMAP is to ask for news: JOB_IMAP_NEWS; argument: its
                     generation above its place in the table */
    NOTICE_BAN,   /* somebody was banned: sessions of whoever is end */
};

struct notice {
    uint32_t kind;
    uint32_t reserved;
    uint64_t argument;
};

#endif
