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

#endif
