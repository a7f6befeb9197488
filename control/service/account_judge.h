/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_SERVICE_ACCOUNT_JUDGE_H
#define CONTROL_SERVICE_ACCOUNT_JUDGE_H

#include <crypt.h>

#include "control/directory/directory_backend.h"
#include "dataplane/handoff/job.h"

/*
 * Whether a login is right, by what a back end has told of the account. Each function does the same
 * work whether there is one or not (`known` NULL), so that time does not tell who exists.
 */
enum { ACCOUNT_SECRET = 32 };

/* What nobody's account would look like. */
struct account_fakes {
    char hash[CRYPT_OUTPUT_SIZE];      /* what a name that nobody has is hashed with */
    uint32_t iterations[SCRAM_HASHES]; /* 0: the least */
    uint8_t secret[ACCOUNT_SECRET];    /* what salts are made of */
};

/* Hashes once. A password longer than 512 bytes or with a NUL byte is wrong. */
bool account_judge_password(const struct account_fakes *fakes, const struct directory_answer *known,
                            struct span user, struct span password);
/* What SCRAM's challenge says of a user; of one whom nobody has, or who has no such keys, always
 * the same. False: no memory. */
bool account_judge_salt(const struct account_fakes *fakes, const struct directory_answer *known,
                        struct span user, enum scram_hash hash, struct scram_keys *keys_out);
/* Judges a proof of SCRAM. `signature_out` has SCRAM_KEY_MAX octets. */
bool account_judge_proof(const struct account_fakes *fakes, const struct directory_answer *known,
                         const struct job_account_proof *proof, uint8_t *signature_out);
/* Whether the account with this key may act as `identity`: nobody or itself, in any spelling. */
bool account_judge_acts_as(struct span account, struct span identity);

#endif
