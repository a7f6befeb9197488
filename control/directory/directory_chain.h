/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_DIRECTORY_DIRECTORY_CHAIN_H
#define CONTROL_DIRECTORY_DIRECTORY_CHAIN_H

#include "control/directory/directory_backend.h"

/*
 * The back ends in their order. A reload makes another chain; the old one and its back ends live
 * until nobody holds it any more: who asks holds it until its question was answered.
 */
struct directory_chain;

enum { DIRECTORY_BACKENDS = 8 };

/* Takes the back ends, at most DIRECTORY_BACKENDS. NULL: no memory, and they are the caller's. */
struct directory_chain *directory_chain_new(struct directory_backend *const *backends,
                                            uint32_t count);
void directory_chain_hold(struct directory_chain *chain);
void directory_chain_drop(struct directory_chain *chain);
/* Ends the back ends and frees, unless somebody holds it: false. Nobody takes hold of it any more.
 * Not from `done`. */
bool directory_chain_free(struct directory_chain *chain);
/* One of them may have what the workers' table has not. */
bool directory_chain_dynamic(const struct directory_chain *chain);
/* The place of the back end of that name; -1: there is none. */
int directory_chain_find(const struct directory_chain *chain, const char *name);
struct directory_backend *directory_chain_at(const struct directory_chain *chain, uint32_t place);

/* Asks each until one does not say NOBODY. The chain must be held until `done`. Clears the answer,
 * but for the memory in it. */
void directory_chain_ask(struct directory_chain *chain, struct directory_question *question);
/* Asks the one back end in that place. */
void directory_chain_ask_one(struct directory_chain *chain, uint32_t place,
                             struct directory_question *question);

#endif
