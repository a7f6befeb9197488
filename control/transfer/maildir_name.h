/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_TRANSFER_MAILDIR_NAME_H
#define CONTROL_TRANSFER_MAILDIR_NAME_H

#include "proto/base/writer.h"

/*
 * The name of a file in a Maildir's cur or new:
 *
 *   name = unique [":2," *flag]        flag = "D" draft / "F" flagged / "P" passed / "R" replied /
 *   unique = [1*DIGIT "."] *VCHAR              "S" seen / "T" trashed / "a".."z" keywords
 *
 * The digits in front are the time of delivery in seconds since 1970.
 */
enum maildir_flag {
    MAILDIR_DRAFT = 1,
    MAILDIR_FLAGGED = 2,
    MAILDIR_PASSED = 4,
    MAILDIR_REPLIED = 8,
    MAILDIR_SEEN = 16,
    MAILDIR_TRASHED = 32,
    MAILDIR_OTHERS = 64, /* "a" to "z": keywords that a file beside the messages names */
};

struct maildir_name {
    uint32_t flags;     /* enum maildir_flag */
    uint64_t delivered; /* seconds since 1970; 0: the name does not say */
};

/* Any bytes are a name. */
struct maildir_name maildir_name_parse(struct span name);
/* ":2," and the letters of the flags, in the order of the alphabet. */
void maildir_name_put_flags(struct writer *w, uint32_t flags);

#endif
