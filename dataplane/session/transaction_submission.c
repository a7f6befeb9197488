/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/session/transaction_submission.h"

#include "dataplane/session/session_sender.h"
#include "proto/address/address_list.h"
#include "proto/address/address_rewrite.h"
#include "proto/mime/mime_strip.h"
#include "proto/smtp/smtp_trace.h"

enum { UNSEEN = 8, MAPPED = 4 };

struct submission {
    uint64_t account;
    struct mime_strip strip;
    bool date, message_id, from; /* are there */
    bool eight_bits;             /* an octet above 127 was seen */
    /* Addresses of From and Sender that the directory has to be asked about, in the arena. */
    uint32_t unseen_count, unseen_next;
    struct span unseen[UNSEEN];
    struct address_rewrite *rewrite; /* NULL: there are no maps */
    struct span stripped;            /* goes through it next */
    /* Fields of From and Sender that were changed: where they stand in the body, and what is
     * against them as they were. */
    uint32_t mapped_count;
    struct {
        uint64_t offset;
        uint8_t row; /* enum smtp_reply_id */
    } mapped[MAPPED];
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
    if (ss->settings.submission_maps) {
        x->rewrite = transaction_memory(ss, tx, sizeof(*x->rewrite));
        if (!x->rewrite)
            return false;
        address_rewrite_init(x->rewrite);
    }
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

/* ---- the bytes ---- */

/* Whose field is being changed. */
struct changing {
    struct sessions *ss;
    struct transaction *tx;
};

static enum smtp_reply_id check_addresses(struct sessions *ss, struct transaction *tx,
                                          struct span text);

static bool map_address(void *context, enum address_map_class where, const struct address *address,
                        struct writer *out)
{
    const struct address_maps *maps = ((struct changing *)context)->ss->settings.submission_maps;

    return maps && address_map(maps, where, address, out);
}

/* Who may be sent as is asked of the addresses that the client wrote. */
static bool note_change(void *context, struct span name, struct span value)
{
    struct changing *c = context;
    struct submission *x = c->tx->submission;

    if (!span_equal_nocase(name, span_text("from")) &&
        !span_equal_nocase(name, span_text("sender")))
        return true;
    if (x->mapped_count == MAPPED)
        return false;
    x->mapped[x->mapped_count].row = (uint8_t)check_addresses(c->ss, c->tx, value);
    x->mapped[x->mapped_count++].offset = c->tx->message.size;
    return true;
}

/* Through the maps, if there are any. */
static struct span rewrite(struct sessions *ss, struct transaction *tx, struct span *in, bool end)
{
    struct submission *x = tx->submission;
    struct address_rewrite_user user = {
        .map = map_address, .changes = note_change, .context = &(struct changing){ss, tx}};
    struct span out;

    if (!x->rewrite) {
        out = *in;
        *in = span_of(NULL, 0);
        return out;
    }
    out = address_rewrite_take(x->rewrite, &user, in);
    if (out.len == 0 && end)
        out = address_rewrite_finish(x->rewrite, &user);
    return out;
}

static bool go_on(struct submission *x, struct span out, struct span *out_out)
{
    x->eight_bits = x->eight_bits || has_eight_bits(out);
    *out_out = out;
    return out.len > 0;
}

bool transaction_submission_take(struct sessions *ss, struct transaction *tx, struct span *in,
                                 struct span *out_out)
{
    struct submission *x = tx->submission;
    struct span out = rewrite(ss, tx, &x->stripped, false);

    while (out.len == 0 && in->len) {
        x->stripped = mime_strip_take(&x->strip, in);
        out = rewrite(ss, tx, &x->stripped, false);
    }
    return go_on(x, out, out_out);
}

bool transaction_submission_rest(struct sessions *ss, struct transaction *tx, struct span *out_out)
{
    struct submission *x = tx->submission;

    if (x->stripped.len == 0)
        x->stripped = mime_strip_finish(&x->strip);
    return go_on(x, rewrite(ss, tx, &x->stripped, true), out_out);
}

size_t transaction_submission_held(const struct transaction *tx)
{
    return MIME_STRIP_HELD +
           (tx->submission->rewrite ? ADDRESS_REWRITE_HELD + ADDRESS_REWRITE_GROWTH : 0);
}

const struct address *transaction_submission_path(struct sessions *ss, const struct transaction *tx,
                                                  enum address_map_class where,
                                                  const struct address *path,
                                                  struct submission_path *memory)
{
    const struct address_maps *maps = ss->settings.submission_maps;
    struct writer w = writer_of(memory->text, sizeof(memory->text));

    if (!tx->submission || !maps || !address_map(maps, where, path, &w) ||
        address_mailbox(writer_span(&w), ADDRESS_ALLOW_UTF8, &memory->address) != ADDRESS_OK)
        return path;
    ss->counters->addresses_mapped++;
    return &memory->address;
}

/* ---- who it is from ---- */

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
                                          struct span text)
{
    struct span mailbox;
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
    return status == ADDRESS_LIST_BAD || count == 0 ? SMTP_REPLY_NO_FROM : SMTP_REPLY_NONE;
}

/* The same of a field, as the client wrote it. */
static enum smtp_reply_id check_field(struct sessions *ss, struct transaction *tx,
                                      const struct mime_event *event)
{
    const struct submission *x = tx->submission;
    enum smtp_reply_id row;

    for (uint32_t i = 0; i < x->mapped_count; i++)
        if (x->mapped[i].offset == event->offset)
            return (enum smtp_reply_id)x->mapped[i].row;
    row = check_addresses(ss, tx, event->field.value);
    return row == SMTP_REPLY_NONE && event->field.cut ? SMTP_REPLY_NO_FROM : row;
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
        return again ? SMTP_REPLY_NO_FROM : check_field(ss, tx, event);
    case MIME_FIELD_SENDER:
        return check_field(ss, tx, event);
    default:
        return SMTP_REPLY_NONE;
    }
}

enum smtp_reply_id transaction_submission_finish(struct sessions *ss, struct transaction *tx)
{
    const struct submission *x = tx->submission;

    if (x->rewrite) {
        ss->counters->addresses_mapped += x->rewrite->changed;
        ss->counters->addresses_unmapped += x->rewrite->left;
    }
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
