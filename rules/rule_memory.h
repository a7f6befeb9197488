/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef RULES_RULE_MEMORY_H
#define RULES_RULE_MEMORY_H

#include <stddef.h>

/*
 * Where what is scanned may be found afterwards: Hyperscan's streams and scratch, values that are
 * put together. From malloc() unless somebody says otherwise, once and before the first rule set is
 * made.
 */
void rule_memory_set(void *(*take)(size_t size), void (*give)(void *memory));
/* NULL: no memory. Not zeroed. */
void *rule_memory_take(size_t size);
void rule_memory_give(void *memory);

#endif
