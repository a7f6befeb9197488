/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/session/transaction_submission.h"

#include "dataplane/session/session_sender.h"
#include "proto/address/address_list.h"
#include "proto/mime/mime_strip.h"
#include "proto/smtp/smtp_trace.h"

enum { UNSEEN = 8 };

struct submission {
    uint64_t account;
    struct mime_strip strip;
    bool date, message_id, from; /* are there */
    bool eight_bits;             /* an octet above 127 was seen */
    /* Addresses of From and Sender that the directory has to be asked about, in the arena. */
    uint32_t unseen_count, unseen_next;
    struct span unseen[UNSEEN];
};

/* RFC 5322 section 3.6.3: the first of the ways to treat Bcc. */
static const char *const always[] = {"bcc", "resent-bcc", NULL};
/* And what tells of the sender's network and programs. */
static const char *const privately[] = {"bcc",      "resent-bcc",       "received", "user-agent",
                                        "x-mailer", "x-originating-ip", NULL};

bool transaction_submission_begin(struct sessions *ss, struct transaction *tx, uint64_t account)
{
    struct submission *x = transaction_memory(ss, tx, sizeof(*x));

    if (!x)
        return false;
    *x = (struct submission){.account = account};
    mime_strip_init(&x->strip, ss->settings.submission_privacy ? privately : always);
    tx->submission = x;
    return true;
}

static bool has_eight_bits(struct span bytes)
{
    uint64_t seen = 0, word;

    for (; bytes.len >= sizeof(word); bytes = span_skip(bytes, sizeof(word))) {
        memcpy(&word, bytes.data, sizeof(word));
        seen |= word;
    }
    for (size_t i = 0; i < bytes.len; i++)
        seen |= bytes.data[i];
    return seen & UINT64_C(0x8080808080808080);
}

struct span transaction_submission_take(struct transaction *tx, struct span *in)
{
    struct submission *x = tx->submission;
    struct span out = mime_strip_take(&x->strip, in);

    x->eight_bits = x->eight_bits || has_eight_bits(out);
    return out;
}

struct span transaction_submission_rest(struct transaction *tx)
{
    return mime_strip_finish(&tx->submission->strip);
}

/* What nobody knows yet is asked about at the end. */
static enum smtp_reply_id check_sender(struct sessions *ss, struct transaction *tx,
                                       const struct address *address, struct span mailbox)
{
    struct submission *x = tx->submission;
    enum smtp_reply_id row;

    if (!ss->settings.submission_from)
        return SMTP_REPLY_NONE;
    row = session_sender_check(ss, x->account, address, SMTP_REPLY_FROM_NOT_YOURS);
    if (row != SMTP_REPLY_DIRECTORY_AWAY || x->unseen_count == UNSEEN)
        return row;
    return transaction_copy(ss, tx, mailbox, &x->unseen[x->unseen_count++])
               ? SMTP_REPLY_NONE
               : SMTP_REPLY_NO_RESOURCES;
}

bool transaction_submission_unseen(struct transaction *tx, struct address *address_out)
{
    struct submission *x = tx->submission;

    return x->unseen_next < x->unseen_count &&
           address_mailbox(x->unseen[x->unseen_next++], ADDRESS_ALLOW_UTF8, address_out) ==
               ADDRESS_OK;
}

uint64_t transaction_submission_account(const struct transaction *tx)
{
    return tx->submission->account;
}

/* Every address is one that the account may send as. */
static enum smtp_reply_id check_addresses(struct sessions *ss, struct transaction *tx,
                                          const struct mime_event *event)
{
    struct span text = event->field.value, mailbox;
    enum address_list_status status;
    uint32_t count = 0;

    while ((status = address_list_next(&text, &mailbox)) == ADDRESS_LIST_NEXT) {
        struct address address;
        enum smtp_reply_id row;

        if (address_mailbox(mailbox, ADDRESS_ALLOW_UTF8, &address) != ADDRESS_OK)
            return SMTP_REPLY_NO_FROM;
        row = check_sender(ss, tx, &address, mailbox);
        if (row != SMTP_REPLY_NONE)
            return row;
        count++;
    }
    return status == ADDRESS_LIST_BAD || count == 0 || event->field.cut ? SMTP_REPLY_NO_FROM
                                                                        : SMTP_REPLY_NONE;
}

enum smtp_reply_id transaction_submission_field(struct sessions *ss, struct transaction *tx,
                                                const struct mime_event *event)
{
    struct submission *x = tx->submission;
    bool again = x->from;

    switch (event->field.id) {
    case MIME_FIELD_DATE:
        x->date = true;
        return SMTP_REPLY_NONE;
    case MIME_FIELD_MESSAGE_ID:
        x->message_id = true;
        return SMTP_REPLY_NONE;
    case MIME_FIELD_FROM:
        /* Readers differ in which of two they show. */
        x->from = true;
        return again ? SMTP_REPLY_NO_FROM : check_addresses(ss, tx, event);
    case MIME_FIELD_SENDER:
        return check_addresses(ss, tx, event);
    default:
        return SMTP_REPLY_NONE;
    }
}

enum smtp_reply_id transaction_submission_finish(struct sessions *ss, struct transaction *tx)
{
    const struct submission *x = tx->submission;

    /* What the next server is told is what the message has (RFC 6152 section 3). */
    if (x->eight_bits && tx->message.envelope.body == MESSAGE_BODY_7BIT)
        tx->message.envelope.body = MESSAGE_BODY_8BITMIME;
    return x->from ? SMTP_REPLY_NONE : SMTP_REPLY_NO_FROM;
}

void transaction_submission_put(const struct sessions *ss, const struct transaction *tx,
                                struct writer *w)
{
    const struct submission *x = tx->submission;

    if (!x->date) {
        writer_text(w, "Date: ");
        smtp_trace_date(w, ss->time.wall_ms / 1000);
        writer_text(w, "\r\n");
    }
    if (!x->message_id) {
        writer_text(w, "Message-ID: <");
        id128_put(w, &tx->message.id);
        writer_byte(w, '@');
        writer_span_put(w, ss->smtp_options.hostname);
        writer_text(w, ">\r\n");
    }
}
