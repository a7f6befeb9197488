/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef DATAPLANE_TCP_OVERLAP_H
#define DATAPLANE_TCP_OVERLAP_H

#include <stdint.h>

/*
 * What a receiver keeps where bytes that it holds out of order (or fragments that it gathers) come
 * a second time with other content. docs/tap.md has the table of cases.
 */
#define OVERLAP_POLICIES(X)                                                                        \
    X(LINUX, "linux")                                                                              \
    X(FIRST, "first")                                                                              \
    X(LAST, "last")                                                                                \
    X(BSD, "bsd")                                                                                  \
    X(WINDOWS, "windows")

enum overlap_policy {
#define OVERLAP_POLICY(name, text) OVERLAP_##name,
    OVERLAP_POLICIES(OVERLAP_POLICY)
#undef OVERLAP_POLICY
        OVERLAP_POLICY_COUNT,
};

#endif
