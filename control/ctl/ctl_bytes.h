/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_CTL_CTL_BYTES_H
#define CONTROL_CTL_CTL_BYTES_H

#include "control/store/store.h"

/* The bytes that follow an answer, whole in memory. */
struct ctl_bytes;

/* A stored message of `size` bytes, header prefix and body; NULL in *bytes_out unless STORE_OK.
 * STORE_FAILED also where the store has another number of bytes. */
enum store_status ctl_bytes_message(struct store *store, uint64_t mailbox, uint32_t uid,
                                    uint64_t size, struct ctl_bytes **bytes_out);
/* Takes `data`, of malloc(), on every outcome. NULL: no memory. */
struct ctl_bytes *ctl_bytes_take(void *data, size_t len);
size_t ctl_bytes_length(const struct ctl_bytes *bytes);

/* As struct ctl_subject has them; the context is not used. */
bool ctl_bytes_read(void *context, void *bytes, uint64_t offset, struct span *bytes_out);
void ctl_bytes_close(void *context, void *bytes);

#endif
