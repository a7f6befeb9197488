/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_SERVICE_DIRECTORY_LOOKUP_H
#define CONTROL_SERVICE_DIRECTORY_LOOKUP_H

#include "control/service/directory_service.h"
#include "proto/address/address.h"

/*
 * One address on its way through the back ends: what directory_service.c keeps of it, and the steps
 * of directory_lookup.c. A step is taken on one of the service's threads, may block on the store,
 * and says what is to be asked next.
 */
struct directory_lookup {
    struct directory_question question; /* first: pools are handed it */
    struct directory_service *service;
    struct directory_lookup *next;
    struct job *job;
    struct directory_chain *chain;
    struct directory_setting setting; /* as of the beginning */
    uint64_t generation;              /* of the service, then */
    enum directory_result result;     /* of the last question */
    uint8_t step;                     /* enum directory_step that the question is of */
    struct directory_policy policy;   /* of the domain */
    struct span spelled;              /* the address as it came; in the job */
    struct span domain;               /* the same */
    struct span account;              /* who wants to send as it; in the job */
    size_t key_len, plain_len;        /* of the next two; 0: there is none */
    uint8_t key[ADDRESS_KEY_MAX];     /* as its domain folds it */
    uint8_t plain[ADDRESS_KEY_MAX];   /* without its detail */
    struct directory_member members[DIRECTORY_ACCOUNTS];
    uint8_t text[DIRECTORY_ACCOUNTS * 2 * (ADDRESS_KEY_MAX + 64)];
};

enum directory_step {
    DIRECTORY_STEP_DOMAIN,
    DIRECTORY_STEP_ADDRESS,
    DIRECTORY_STEP_PLAIN,
    DIRECTORY_STEP_SENDER,
    DIRECTORY_STEP_OVER,
};

/* Takes the names out of the job. False: there is no domain. */
bool directory_lookup_begin(struct directory_lookup *l);
/* Fills in the question of the step. */
void directory_lookup_ask(struct directory_lookup *l);
/* Puts what the answer says into the table, and moves to the next step. False: the store, or the
 * table, failed. */
bool directory_lookup_step(struct directory_lookup *l,
                           const struct directory_service_options *options, uint32_t now_s);

#endif
