/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef PROTO_MIME_MIME_HTML_H
#define PROTO_MIME_MIME_HTML_H

#include "proto/base/span.h"

/*
 * The text that a reader of HTML sees, near enough to look for words in it, while it arrives: tags,
 * comments and the content of script and style are left out, a tag that begins a block or a line
 * becomes a line end and others nothing (so that "v<b>i</b>ew" is one word), named and numeric
 * characters become UTF-8, those without width nothing, hard spaces a space. No tree is built and
 * no style is applied: hidden text is text. Other bytes pass as they are. The result does not
 * depend on how the input was cut.
 */
enum { MIME_HTML_PENDING = 16, MIME_HTML_NAME = 10 };

struct mime_html {
    uint8_t state;
    uint8_t count; /* bytes in `name`, or dashes seen in a comment */
    uint8_t quote; /* what ends the quoted value */
    bool closing;  /* the tag begins with "</" */
    bool equals;   /* a value may begin */
    uint8_t raw;   /* in an element whose content is no text: its row */
    char name[MIME_HTML_NAME];
};

/* `out` has room for bytes.len + MIME_HTML_PENDING; returns how many bytes were written. */
size_t mime_html_feed(struct mime_html *h, struct span bytes, uint8_t *out);
/* The document ends: writes what was waited with, at most MIME_HTML_PENDING bytes, and begins anew.
 */
size_t mime_html_finish(struct mime_html *h, uint8_t *out);

#endif
