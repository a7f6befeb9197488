/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_BLAST_BLAST_LANGUAGE_H
#define CONTROL_BLAST_BLAST_LANGUAGE_H

#include "proto/base/chance.h"
#include "proto/base/writer.h"

/*
 * Texts that look like a language's to whoever counts letters: words are put together from a few
 * dozen syllables of each, so that they mean nothing. Each language has a charset of the time
 * before UTF-8.
 */
enum { BLAST_LANGUAGES = 9, BLAST_LANGUAGE_LINE = 512 };

/* How a text is written. */
struct blast_writing {
    uint32_t language; /* below BLAST_LANGUAGES */
    const char *charset;
    bool spam; /* phrases of advertising instead, with links to nowhere; in ASCII */
};

/* The language of this name; false: there is none. */
bool blast_language_find(const char *name, uint32_t *language_out);
/* One of them by their shares: half in English. */
uint32_t blast_language_choose(struct chance *chance);
/* UTF-8 or the language's own charset, evenly; ASCII where that is enough. */
struct blast_writing blast_language_write(struct chance *chance, uint32_t language);
/* Appends a line of about `letters`, in its charset, without a line end; at most
 * BLAST_LANGUAGE_LINE bytes. */
void blast_language_line(struct writer *w, struct chance *chance, const struct blast_writing *how,
                         uint32_t letters);

#endif
