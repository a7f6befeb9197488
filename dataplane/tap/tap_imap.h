/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef DATAPLANE_TAP_TAP_IMAP_H
#define DATAPLANE_TAP_TAP_IMAP_H

#include "dataplane/tap/tap_message.h"
#include "dataplane/tcp/tcp_observer.h"
#include "proto/imap/imap_deflate.h"
#include "proto/imap/imap_observer.h"

/*
 * An IMAP conversation between two others: messages that are appended and those that are fetched go
 * the way of SMTP's. Pieces of a fetched message are put together, those out of order too, one
 * message at a time. Memory of a connection, from the worker's chunks: a medium one; for each
 * direction a line; up to TAP_IMAP_HELD of pieces out of order, by their length; compressed, a
 * large one for each direction; that of the messages under way.
 */
struct tap;
struct tap_flow;

enum {
    TAP_IMAP_APPENDS =
        8, /* messages that wait for an APPEND's answer; it is not waited for with more */
    TAP_IMAP_HELD = 16,
    TAP_IMAP_KNOWN = 256, /* messages of the mailbox of which something is known */
};

struct tap_imap_counters {
#define TAP_IMAP_COUNTER(name, what) uint64_t name;
#include "dataplane/tap/tap_imap_counter.def"
#undef TAP_IMAP_COUNTER
    uint64_t faults[IMAP_OBSERVED_FAULTS];
};

/* What octets of a fetched message are for. */
enum tap_imap_mode { TAP_IMAP_PASS, TAP_IMAP_READ, TAP_IMAP_HOLD };

/* A message of the mailbox, by its UID, or by its number where that was not told. */
struct tap_imap_known {
    uint32_t id;
    uint32_t size : 30; /* RFC822.SIZE; 0: not known */
    uint32_t numbered : 1;
    uint32_t told : 1; /* all of it was */
};

/* The fetched message that is being put together. */
struct tap_imap_fetched {
    struct tap_message message;
    uint32_t number, uid;   /* 0: not known */
    uint64_t at;            /* octets that were read, from its beginning */
    uint64_t end;           /* all that it has; UINT64_MAX: not known */
    uint64_t header;        /* of its header; 0: not known */
    uint64_t begin, offset; /* of the piece that comes: where it began, where it is */
    uint64_t wanted, size;  /* likewise: octets asked for, and announced; 0: not known */
    struct chunk *held;     /* pieces out of order: struct tap_imap_piece, octets */
    uint8_t held_count;
    uint8_t mode;  /* enum tap_imap_mode */
    uint8_t piece; /* enum imap_piece */
    bool open, partial, again;
};

struct tap_imap {
    struct imap_observer observer;
    struct tap_imap_fetched fetched;
    struct tap_message appended[TAP_IMAP_APPENDS];
    uint32_t command[TAP_IMAP_APPENDS]; /* of each */
    uint8_t appended_count;
    bool appending; /* the last one's octets come */
    bool compressed;
    uint32_t faults; /* bit of each that was told */
    uint32_t uidvalidity;
    uint8_t mailbox_len;
    uint8_t mailbox[IMAP_OBSERVER_NAME];
    struct chunk *inflate[TCP_DIRECTIONS];
    uint64_t packed[TCP_DIRECTIONS], unpacked[TCP_DIRECTIONS];
    struct tap_imap_known known[TAP_IMAP_KNOWN];
};

void tap_imap_begin(struct tap *t, struct tap_flow *f);
void tap_imap_bytes(struct tap *t, struct tap_flow *f, enum tcp_direction d, struct span bytes);
void tap_imap_gap(struct tap *t, struct tap_flow *f, enum tcp_direction d, uint64_t len);
void tap_imap_end(struct tap *t, struct tap_flow *f);

/* ---- for each other: tap_imap.c, tap_imap_fetch.c ---- */

/* The record of a message says where it is. */
void tap_imap_place(struct tap_flow *f, struct tap_message *m, bool appended, struct span mailbox,
                    uint32_t uidvalidity, uint32_t uid, uint32_t number);
/* BEGIN, TEXT and END of pieces that are fetched, FETCHED. */
void tap_imap_piece_begin(struct tap *t, struct tap_flow *f, const struct imap_observed *e);
void tap_imap_piece_text(struct tap *t, struct tap_flow *f, struct span bytes);
void tap_imap_piece_end(struct tap *t, struct tap_flow *f);
void tap_imap_fetched(struct tap *t, struct tap_flow *f, const struct imap_observed *e);
/* So many octets of the piece are missing. */
void tap_imap_piece_gap(struct tap *t, struct tap_flow *f, uint64_t len);
/* Nothing more comes of it: told when some of it was read. */
void tap_imap_fetched_close(struct tap *t, struct tap_flow *f);
/* Another mailbox, or other numbers in it. */
void tap_imap_forget(struct tap_imap *i, bool numbers_alone);

#endif
