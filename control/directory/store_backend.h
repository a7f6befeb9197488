/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_DIRECTORY_STORE_BACKEND_H
#define CONTROL_DIRECTORY_STORE_BACKEND_H

#include "control/directory/directory_backend.h"
#include "control/store/store.h"

/*
 * The back end "store": domains, accounts and aliases that lie in the store itself, put there by
 * directory_admin.h. Its questions are answered on two threads of its own. Members of aliases that
 * it does not have are said to be elsewhere.
 */
struct store_backend_options {
    struct store *store; /* borrowed */
    const char *method;  /* prefix of the hashes that are up to date, as crypt_gensalt(3) has it;
                            static */
};

/* NULL with errno. */
struct directory_backend *store_backend_new(const struct store_backend_options *options);

#endif
