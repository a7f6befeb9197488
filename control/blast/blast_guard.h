/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_BLAST_BLAST_GUARD_H
#define CONTROL_BLAST_BLAST_GUARD_H

#include "proto/base/ip_address.h"

/*
 * Whether load may be sent there without being asked for twice: loopback, private, link-local,
 * benchmark and documentation networks (blast_guard.c lists them). Returns what kind of network it
 * is, NULL for any other address.
 */
const char *blast_guard(const struct ip_address *address);

#endif
