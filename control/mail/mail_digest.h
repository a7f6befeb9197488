/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_MAIL_MAIL_DIGEST_H
#define CONTROL_MAIL_MAIL_DIGEST_H

#include "control/mail/mail_box.h"
#include "control/store/store_mailbox.h"

/*
 * What SORT and THREAD compare of a message, made of its part tree once and remembered beside the
 * mailbox while somebody has it selected: messages never change. All of it together is bounded;
 * where there is no more room, mailboxes that nobody sorts now forget theirs, those first that were
 * not sorted for longest.
 */
enum mail_digest_part {
    /* Texts, as octets compare them (mail_collate.h). */
    MAIL_DIGEST_SUBJECT, /* the base subject */
    MAIL_DIGEST_FROM,    /* of the first address: its local part */
    MAIL_DIGEST_TO,
    MAIL_DIGEST_CC,
    MAIL_DIGEST_DISPLAYFROM, /* ... its name, else the address */
    MAIL_DIGEST_DISPLAYTO,
    MAIL_DIGEST_TEXTS,
    MAIL_DIGEST_SENT = MAIL_DIGEST_TEXTS, /* the Date field */
    MAIL_DIGEST_IDS,                      /* imap_thread_ids() */
};

struct mail_digest {
    struct mail_digest *next; /* of those that were replaced */
    int64_t sent;             /* seconds since 1970-01-01 UTC */
    uint32_t size;            /* of all this */
    uint32_t ids;
    uint16_t have;                    /* bits 1 << enum mail_digest_part */
    bool dated;                       /* there is a Date field that is a date */
    bool reply;                       /* the subject says so */
    uint64_t subject;                 /* imap_thread_subject(), with MAIL_DIGEST_SUBJECT */
    uint32_t ends[MAIL_DIGEST_TEXTS]; /* of each text, in the octets behind the ids */
};

enum {
    MAIL_DIGESTS_MAX = 256 << 20, /* octets, of all mailboxes */
    MAIL_DIGEST_TEXT = 32 * 1024, /* octets of one text; of a longer one the first */
};

struct mail_digests;

/* `max`: octets; NULL: no memory. */
struct mail_digests *mail_digests_new(uint64_t max);
void mail_digests_free(struct mail_digests *d);

/* What is given of this mailbox stays until it is released as often. */
void mail_digests_hold(struct mail_digests *d, struct mail_box *box);
void mail_digests_release(struct mail_box *box);

/*
 * The digest of a message of a mailbox that is held, with these parts (bits) at least; *read_out:
 * it was not remembered. Of a message that is gone from the store, or whose tree cannot be read,
 * all is empty. STORE_LIMIT: there is no room for it.
 */
enum store_status mail_digest_get(struct mail_digests *d, struct store *store, struct mail_box *box,
                                  uint32_t slot, unsigned parts,
                                  const struct mail_digest **digest_out, bool *read_out);
/* The ids, behind the digest; then the texts. */
static inline const uint64_t *mail_digest_ids(const struct mail_digest *g)
{
    return (const uint64_t *)(g + 1);
}
static inline struct span mail_digest_text(const struct mail_digest *g, unsigned part)
{
    const uint8_t *texts = (const uint8_t *)(mail_digest_ids(g) + g->ids);
    uint32_t begin = part ? g->ends[part - 1] : 0;

    return span_of(texts + begin, g->ends[part] - begin);
}

/* The message, or the mailbox, goes: mail_box.c. */
void mail_digest_forget(struct mail_box *box, struct mail_message *message);
void mail_digests_forget(struct mail_box *box);

#endif
