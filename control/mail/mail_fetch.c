/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdlib.h>

#include "control/mail/mail_binary.h"
#include "control/mail/mail_flag.h"
#include "control/mail/mail_mark.h"
#include "control/mail/mail_modseq.h"
#include "control/mail/mail_object.h"
#include "control/mail/mail_part.h"
#include "control/mail/mail_preview.h"
#include "control/mail/mail_surrogate.h"
#include "control/mail/mail_vanished.h"
#include "control/mail/mail_verb.h"
#include "proto/imap/imap_fetch.h"
#include "proto/imap/imap_write.h"

/*
 * FETCH (RFC 9051 section 6.4.5, RFC 7162 sections 3.1.4, 3.2.6): a response for each message,
 * composed item by item; what a message itself says goes out as it lies in the store.
 */
struct fetch {
    struct imap_fetch what;
    struct mail_set set;
    struct mail_marking seeing; /* \Seen, where it is to be set */
    struct mail_vanished vanished;
    struct mail_source source; /* the message under way; reading NULL: not needed, or not open */
    struct mail_surrogate *surrogate;
    struct store *store;
    uint32_t slot;
    uint8_t item;        /* of it, the next */
    bool seen;           /* \Seen is set, or need not be */
    bool under_way;      /* a response is */
    bool flags;          /* FLAGS is due in it, since \Seen was set */
    bool missing;        /* some messages are gone */
    bool large;          /* some are too large for what this client needs */
    bool unknown;        /* some part's transfer encoding is not known */
    bool sought;         /* `part` is of the item under way */
    bool said;           /* an item of the response was */
    uint8_t *downgraded; /* the response code that says which were, NULL: none, */
    struct writer code;  /* written by these */
    struct imap_set_writer uids;
    struct mail_email email; /* of the message under way, where it is asked for */
    struct mail_part part;   /* of the item under way, where its text lies here */
};

static void close_reading(struct fetch *f)
{
    if (f->source.reading)
        store_reading_close(f->store, f->source.reading);
    mail_surrogate_free(f->surrogate);
    f->source = (struct mail_source){0};
    f->surrogate = NULL;
    mail_part_free(&f->part);
}

void mail_fetch_end(struct mail_run *r)
{
    struct fetch *f = r->state;

    if (!f)
        return;
    close_reading(f);
    mail_set_free(&f->set);
    mail_vanished_free(&f->vanished);
    free(f->downgraded);
    free(f);
}

/* ---- items ---- */

static void put_date(struct writer *w, uint64_t ms)
{
    imap_write_date_time(w, (int64_t)(ms / 1000), 0);
}

/* What the index knows. */
static bool put_plain(struct imap_session *s, const struct fetch *f, enum imap_fetch_kind kind,
                      struct writer *w)
{
    const struct mail_message *m = &s->view.box->messages[f->slot];

    switch (kind) {
    case IMAP_FETCH_FLAGS:
        writer_text(w, "FLAGS ");
        mail_flag_put(w, s, m);
        return true;
    case IMAP_FETCH_UID:
        writer_printf(w, "UID %u", m->uid);
        return true;
    case IMAP_FETCH_INTERNALDATE:
        writer_text(w, "INTERNALDATE ");
        put_date(w, m->internal_ms);
        return true;
    case IMAP_FETCH_SIZE:
        writer_text(w, "RFC822.SIZE ");
        writer_number(w, m->size);
        return true;
    case IMAP_FETCH_MODSEQ:
        mail_modseq_put(s, w, m);
        return true;
    case IMAP_FETCH_SAVEDATE: /* RFC 8514 section 4.2 */
        writer_text(w, "SAVEDATE ");
        put_date(w, m->saved_ms);
        return true;
    case IMAP_FETCH_EMAILID: /* RFC 8474 section 5 */
        writer_text(w, "EMAILID (");
        mail_email_put(w, &f->email);
        writer_byte(w, ')');
        return true;
    case IMAP_FETCH_THREADID: /* messages are not put into threads */
        writer_text(w, "THREADID NIL");
        return true;
    default:
        return false;
    }
}

static void put_preview(struct imap_session *s, struct fetch *f, struct writer *w)
{
    uint8_t text[MAIL_PREVIEW_MAX];
    struct writer line = writer_of(text, sizeof(text));

    writer_text(w, "PREVIEW ");
    /* A message that cannot be read has none. */
    (void)mail_preview_make(f->store, f->source.reading, &line);
    imap_write_string(w, writer_span(&line), s->utf8);
}

/* What is written of a message's structure. */
static bool put_structure(struct imap_session *s, struct fetch *f, enum imap_fetch_kind kind,
                          struct writer *w)
{
    switch (kind) {
    case IMAP_FETCH_ENVELOPE:
        writer_text(w, "ENVELOPE ");
        mail_part_envelope(&f->source, s->utf8, w);
        return true;
    case IMAP_FETCH_BODYSTRUCTURE:
    case IMAP_FETCH_STRUCTURE:
        writer_text(w, kind == IMAP_FETCH_STRUCTURE ? "BODY " : "BODYSTRUCTURE ");
        mail_part_structure(&f->source, kind == IMAP_FETCH_BODYSTRUCTURE, s->utf8, w);
        return true;
    case IMAP_FETCH_PREVIEW: /* RFC 8970 */
        put_preview(s, f, w);
        return true;
    default:
        return false;
    }
}

static void narrow(const struct imap_fetch_item *item, uint64_t len, uint64_t *at, uint64_t *end)
{
    *at = item->partial ? (item->offset < len ? item->offset : len) : 0;
    *end = item->partial && item->len < len - *at ? *at + item->len : len;
}

/* A part of the message: text of ours follows at once, the message's own as the run's body. */
static void put_part(struct mail_run *r, struct fetch *f, const struct imap_fetch_item *item,
                     struct writer *w)
{
    uint64_t at, end;

    imap_fetch_put_name(w, item);
    writer_byte(w, ' ');
    if (item->kind == IMAP_FETCH_BINARY_SIZE) {
        writer_number(w, f->part.total);
        return;
    }
    if (!f->part.found) {
        writer_text(w, "\"\"");
        return;
    }
    narrow(item, f->part.binary ? f->part.total : f->part.len, &at, &end);
    if (f->part.nul)
        imap_write_literal8(w, end - at);
    else
        imap_write_literal(w, end - at);
    if (f->part.text)
        writer_span_put(w, span_of(f->part.text + at, end - at));
    else if (end > at && f->part.decode)
        r->body = (struct mail_body){&f->source, f->part.decode, at, end};
    else if (end > at)
        r->body = (struct mail_body){&f->source, NULL, f->part.at + at, f->part.at + end};
}

static void put_item(struct imap_session *s, struct mail_run *r, struct fetch *f,
                     const struct imap_fetch_item *item, struct writer *w)
{
    if (put_plain(s, f, (enum imap_fetch_kind)item->kind, w))
        return;
    if (f->source.reading && put_structure(s, f, (enum imap_fetch_kind)item->kind, w))
        return;
    put_part(r, f, item, w);
}

/* ---- messages ---- */

static bool needs_reading(const struct imap_fetch_item *item)
{
    return item->kind != IMAP_FETCH_FLAGS && item->kind != IMAP_FETCH_UID &&
           item->kind != IMAP_FETCH_INTERNALDATE && item->kind != IMAP_FETCH_SIZE &&
           item->kind != IMAP_FETCH_MODSEQ && item->kind != IMAP_FETCH_SAVEDATE &&
           item->kind != IMAP_FETCH_EMAILID && item->kind != IMAP_FETCH_THREADID;
}

static bool any_reading(const struct imap_fetch *what)
{
    for (uint8_t i = 0; i < what->count; i++)
        if (needs_reading(&what->items[i]))
            return true;
    return false;
}

/*
 * resp-text-code =/ "DOWNGRADED" SP sequence-set                          ; RFC 6858 section 3
 *
 * Of the UIDs as many as there is room for: it need not name all.
 */
static void note_downgraded(struct fetch *f, uint32_t uid)
{
    enum { ROOM = 4096, ONE = 32 };

    if (!f->downgraded) {
        f->downgraded = malloc(ROOM);
        f->code = writer_of(f->downgraded, f->downgraded ? ROOM : 0);
        writer_text(&f->code, "[DOWNGRADED ");
        f->uids = imap_set_writer_of(&f->code);
    }
    if (writer_room(&f->code) >= ONE)
        imap_set_writer_put(&f->uids, uid);
}

/* What a client is given in place of a message that it cannot take. */
static enum store_status open_surrogate(const struct imap_session *s, struct fetch *f, uint32_t uid)
{
    enum store_status status = STORE_OK;

    if (s->utf8 || !mail_surrogate_needed(&f->source))
        return STORE_OK;
    status = mail_surrogate_make(&f->source, &f->surrogate);
    if (status == STORE_OK)
        note_downgraded(f, uid);
    return status;
}

/* What must be asked of the store about a message. */
static enum store_status open_message(const struct imap_session *s, struct fetch *f)
{
    const struct mail_box *box = s->view.box;
    uint32_t uid = box->messages[f->slot].uid;
    const struct store_reading *reading;
    enum store_status status = STORE_OK;

    if (f->what.plain & 1u << IMAP_FETCH_EMAILID)
        status = mail_email_find(f->store, box->id, uid, &f->email);
    if (status != STORE_OK || !any_reading(&f->what))
        return status;
    status = store_reading_open(f->store, box->id, uid, &reading);
    if (status != STORE_OK)
        return status;
    f->source = mail_source_of(f->store, reading);
    return open_surrogate(s, f, uid);
}

/* The next message that can be read. False: there is none. */
static bool next_message(struct imap_session *s, struct fetch *f)
{
    enum store_status status;

    while (mail_set_next(&s->view, &f->set, &f->slot)) {
        close_reading(f);
        /* Its last change was its loss, which is told as such. */
        if (f->what.changed && s->view.box->messages[f->slot].gone)
            continue;
        status = open_message(s, f);
        if (status == STORE_OK)
            return true;
        f->large = f->large || status == STORE_LIMIT;
        f->missing = f->missing || status != STORE_LIMIT;
    }
    return false;
}

static void begin_response(struct mail_run *r, struct fetch *f)
{
    size_t mark;

    do {
        mark = mail_text_mark(&r->text);
        writer_printf(&r->text.w, "* %u FETCH (", f->set.number);
    } while (!mail_text_fits(&r->text, mark));
    f->under_way = true;
    f->said = false;
    f->item = 0;
}

/* The part that the item under way asks for. False: it is gone over, and others get their turn. */
static bool seek_part(struct fetch *f)
{
    const struct imap_fetch_item *item = &f->what.items[f->item];

    if (f->item == f->what.count)
        return true;
    if (!f->sought) {
        mail_part_free(&f->part);
        if (needs_reading(item))
            mail_part_find(&f->source, item, &f->part);
        f->sought = true;
    }
    return !f->part.decode || mail_binary_step(&f->part, item);
}

/* One item; false: all were. */
static bool compose_item(struct imap_session *s, struct mail_run *r, struct fetch *f)
{
    const struct imap_fetch_item *item = &f->what.items[f->item];
    size_t mark;

    if (f->item == f->what.count)
        return false;
    f->item++;
    f->sought = false;
    r->text.failed = r->text.failed || f->part.failed;
    if (f->part.unknown) {
        f->unknown = true;
        return true;
    }
    do {
        mark = mail_text_mark(&r->text);
        if (f->said)
            writer_byte(&r->text.w, ' ');
        put_item(s, r, f, item, &r->text.w);
    } while (!mail_text_fits(&r->text, mark));
    f->said = true;
    return true;
}

/* What is told of the message though it was not asked for. */
static void put_due(struct imap_session *s, struct fetch *f, enum imap_fetch_kind kind, bool due,
                    struct writer *w)
{
    if (!due || f->what.plain & (1u << kind))
        return;
    writer_text(w, f->said ? " " : "");
    put_plain(s, f, kind, w);
    f->said = true;
}

static void end_response(struct imap_session *s, struct mail_run *r, struct fetch *f)
{
    bool said = f->said;
    size_t mark;

    do {
        mark = mail_text_mark(&r->text);
        f->said = said;
        put_due(s, f, IMAP_FETCH_FLAGS, f->flags, &r->text.w);
        put_due(s, f, IMAP_FETCH_MODSEQ, f->what.changed || (f->flags && s->condstore), &r->text.w);
        /* A response says something at least. */
        put_due(s, f, IMAP_FETCH_UID, r->uid || !f->said || (f->flags && s->qresync), &r->text.w);
        writer_text(&r->text.w, ")\r\n");
    } while (!mail_text_fits(&r->text, mark));
    f->under_way = false;
}

/* ---- the command ---- */

/* Of all of them, before anything is said. False: others get their turn first. */
static bool set_seen(struct imap_session *s, struct fetch *f)
{
    static const struct imap_store seen = {.action = IMAP_STORE_ADD,
                                           .flags.system = IMAP_FLAG_SEEN};

    f->seeing.set = &f->set;
    f->seeing.change = &seen;
    /* A disk that is full keeps nobody from reading. */
    if (mail_mark(s, &f->seeing) == STORE_OK && !f->seeing.over)
        return false;
    f->seen = true;
    f->flags = f->seeing.changed;
    mail_set_rewind(&f->set);
    return true;
}

static bool begin(struct imap_session *s, struct mail_run *r)
{
    struct fetch *f = calloc(1, sizeof(*f));
    enum store_status status = STORE_OK;

    r->state = f;
    if (!f) {
        mail_run_failed(r, STORE_FAILED);
        return false;
    }
    f->store = mail_service_store(s->service);
    if (!mail_set_read(s, r, &f->set))
        return false;
    imap_cursor_space(&r->args);
    if (!imap_fetch_parse(&r->args, r->uid, &f->what) || (f->what.vanished && !s->qresync)) {
        mail_run_bad(r);
        return false;
    }
    if (f->what.changed || f->what.plain & (1u << IMAP_FETCH_MODSEQ))
        mail_modseq_enable(s, &r->text);
    f->set.since = f->what.changed ? f->what.changed_since : 0;
    if (f->what.vanished)
        status = mail_vanished_read(s, f->what.changed_since, &f->set.set, 0, &f->vanished);
    if (status != STORE_OK) {
        mail_run_failed(r, status);
        return false;
    }
    f->seen = !f->what.seen || s->read_only;
    return true;
}

static enum mail_step end_fetch(struct mail_run *r, struct fetch *f)
{
    if (f->unknown)
        return mail_run_end(r, MAIL_NO, "[UNKNOWN-CTE]", "some encoding is unknown");
    if (f->large)
        return mail_run_end(r, MAIL_NO, "[LIMIT]",
                            "some headers are too large without UTF8=ACCEPT");
    if (f->missing)
        return mail_run_end(r, MAIL_OK, "[EXPUNGEISSUED]", "some are gone");
    if (!f->downgraded)
        return mail_run_ok(r);
    imap_set_writer_end(&f->uids);
    writer_byte(&f->code, ']');
    writer_byte(&f->code, 0);
    return mail_run_end(r, MAIL_OK, (const char *)f->downgraded, "done");
}

enum mail_step mail_fetch(struct imap_session *s, struct mail_run *r)
{
    struct fetch *f = r->state;

    if (!f) {
        if (!begin(s, r))
            return MAIL_STEP_OVER;
        f = r->state;
    }
    if (!f->seen && !set_seen(s, f))
        return MAIL_STEP_YIELD;
    /* Short responses are put together. */
    while (r->text.w.len < MAIL_TEXT_FIRST && !r->body.source) {
        if (f->under_way) {
            if (!seek_part(f))
                return MAIL_STEP_YIELD;
            if (!compose_item(s, r, f))
                end_response(s, r, f);
        } else if (f->what.vanished && mail_vanished_put(s, &f->vanished, &r->text)) {
            continue;
        } else if (next_message(s, f)) {
            begin_response(r, f);
        } else {
            return end_fetch(r, f);
        }
    }
    return MAIL_STEP_AGAIN;
}
