/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef PROTO_POP3_POP3_LANGUAGE_H
#define PROTO_POP3_POP3_LANGUAGE_H

#include "proto/base/writer.h"

enum pop3_language {
#define POP3_LANGUAGE(name, tag, title, chosen) POP3_LANGUAGE_##name,
#include "proto/pop3/pop3_language.def"
#undef POP3_LANGUAGE
    POP3_LANGUAGES,
};

/*
 * The language that a range asks for: "*", or a tag that is looked up and shortened from its end
 * until one matches (RFC 4647 section 3.4). POP3_LANGUAGES: none.
 */
enum pop3_language pop3_language_find(struct span range);
/* The +OK that says which language is in use from now on, or lists all for POP3_LANGUAGES. */
void pop3_language_put(enum pop3_language language, struct writer *w);

#endif
