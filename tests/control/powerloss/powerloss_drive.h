/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef TESTS_CONTROL_POWERLOSS_POWERLOSS_DRIVE_H
#define TESTS_CONTROL_POWERLOSS_POWERLOSS_DRIVE_H

#include <stdbool.h>
#include <stdint.h>

/* What the driven store is made to do, and the marks that tell of it. */
enum { DRIVE_ACCOUNTS = 4, DRIVE_PLACES = 3, DRIVE_FLAGGED = 16, DRIVE_MEMTABLE = 256 << 10 };

enum drive_kind {
    DRIVE_ACCOUNT_READY, /* number: which; place[0], [1]: its inbox and its quarantine */
    DRIVE_COMMIT_BEGUN,  /* number, size, count; mailboxes of the places */
    DRIVE_COMMIT_GOOD,   /* the same with UIDs: from here on it must be there */
    DRIVE_DELETE_BEGUN,  /* place[0] */
    DRIVE_DELETE_GOOD,   /* place[0]: from here on it must not be there */
    DRIVE_FLAGS_GOOD,    /* number: the modification sequence that flags in place[0] got, unsynced:
                            it must not be given again */
};

struct drive_mark {
    uint32_t kind;
    uint32_t count;
    uint64_t number, size;
    struct drive_place {
        uint64_t mailbox;
        uint64_t uid;
    } place[DRIVE_PLACES];
};

/* Names of the accounts, from 0. Returns `out`, of at least 32 bytes. */
const char *drive_account_name(unsigned account, char *out);
/* Runs in the process into which the recorder was loaded: `rounds` rounds on each thread. False:
 * something failed. */
bool powerloss_drive(const char *folder, bool sync, unsigned rounds, uint64_t seed);

#endif
