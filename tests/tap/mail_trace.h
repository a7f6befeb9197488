/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef TESTS_TAP_MAIL_TRACE_H
#define TESTS_TAP_MAIL_TRACE_H

#include "proto/base/span.h"

/*
 * A capture in memory, made from a seed: SMTP sessions of one message each, over Ethernet and IPv4,
 * 1448 bytes a segment, every second one acknowledged. Of the messages
 *
 *     60 %  plain text, 1 to 8 KB
 *     25 %  text in quoted-printable and HTML, 10 to 40 KB
 *     12 %  text and a file in base64, 100 to 400 KB
 *      3 %  the same, 1 to 3 MB
 *
 * mail_trace_bytes() changes the client's port with each round, so that the frames can be played
 * again and again; the TCP checksums are right in the first round only.
 */
struct mail_trace_frame {
    size_t at;
    uint32_t len;
    uint32_t text_at, text_len; /* in the frame: what it has of a message; 0: nothing */
    uint16_t port;              /* the client's */
    bool ends;                  /* the message */
    bool up;                    /* from the client */
};

struct mail_trace {
    uint8_t *bytes;
    size_t len, cap;
    struct mail_trace_frame *frames;
    uint32_t frame_count, frame_cap;
    uint32_t messages;
    uint64_t text_bytes; /* of messages */
    uint64_t dice;
};

/* Sessions until the frames have `bytes`. Ends the program when there is no memory. */
void mail_trace_make(struct mail_trace *t, uint64_t seed, size_t bytes);
void mail_trace_free(struct mail_trace *t);
/* A frame as it is in the given round, from 0. */
struct span mail_trace_bytes(struct mail_trace *t, uint32_t frame, uint32_t round);
uint64_t mail_trace_roll(uint64_t *dice);
/* A word of the vocabulary that texts are made of. */
const char *mail_trace_word(uint64_t *dice);

#endif
