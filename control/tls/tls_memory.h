/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_TLS_TLS_MEMORY_H
#define CONTROL_TLS_TLS_MEMORY_H

#include <stdbool.h>
#include <stdint.h>

/* OpenSSL's memory is counted from here on. Before any other call of OpenSSL's; false: it was too
 * late, and nothing is counted. */
bool tls_memory_count(void);
/* Bytes that OpenSSL holds at the moment, all threads together. Any thread. */
uint64_t tls_memory_bytes(void);
/* Bytes that the calling thread took for OpenSSL, less those it gave back: what they grow by meanwhile is what a piece of work
 * keeps. */
int64_t tls_memory_of_thread(void);

#endif
