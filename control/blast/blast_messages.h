/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_BLAST_BLAST_MESSAGES_H
#define CONTROL_BLAST_BLAST_MESSAGES_H

#include "dataplane/handoff/blast_order.h"

/* The messages of a run: made from a seed, or read from files; all prepared before the first is
 * sent. */
enum { BLAST_MESSAGES_LEAST = 256 };              /* bytes of a made one, at least */
#define BLAST_MESSAGES_MEMORY (UINT64_C(2) << 30) /* bytes of all of them, at most */

enum blast_size_kind { BLAST_SIZE_FIXED, BLAST_SIZE_LOGNORMAL, BLAST_SIZE_MIX };

struct blast_messages_options {
    enum blast_size_kind size;
    uint64_t bytes;       /* FIXED; LOGNORMAL: the median */
    double sigma;         /* LOGNORMAL: of the logarithm */
    bool shapes;          /* of MIME, by their shares; else plain, or mixed with an attachment */
    bool languages;       /* by their shares */
    uint32_t language;    /* else this one, see blast_language.h */
    uint32_t spam;        /* percent of the messages that look like it */
    uint32_t attachments; /* percent of the messages that have one; not for MIX */
    uint32_t count;
    uint64_t seed;
    const char *from, *to;
};

struct blast_messages {
    struct blast_text *texts;
    uint32_t count;
    uint64_t bytes;
};

/* SIZE of the command line. False when it is none. */
bool blast_messages_size(const char *text, struct blast_messages_options *options);
/* The same options give the same bytes. NULL, with the reason in `why`: no memory. */
struct blast_messages *blast_messages_make(const struct blast_messages_options *options,
                                           struct writer *why);
/*
 * From files; a folder stands for the files in it, by name, and one that begins with "From " is an
 * mbox (mboxrd). Line ends become CRLF, bytes NUL are
 * left out, and so is the field Message-ID: each one sent gets its own. NULL, with the reason.
 */
struct blast_messages *blast_messages_read(const char *const *paths, uint32_t count,
                                           struct writer *why);
/* Each into a file of its own in a folder that is there: 000000.eml, ... False, with the reason. */
bool blast_messages_write(const struct blast_messages *messages, const char *folder,
                          struct writer *why);
void blast_messages_free(struct blast_messages *messages);

#endif
