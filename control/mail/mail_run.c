/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/mail/mail_run.h"

#include <stdlib.h>
#include <time.h>

#include "control/mail/mail_modseq.h"
#include "control/mail/mail_decode.h"
#include "dataplane/handoff/chunk.h"
#include "proto/imap/imap_command.h"
#include "proto/imap/imap_write.h"

enum {
    COPIED_MAX = 4096, /* octets of a message that are copied behind the text, not lent */
    PROGRESS_S = 10,   /* of silence, then it is told how far a command is */
};

/* ---- beginning ---- */

static int64_t now_s(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC_COARSE, &t);
    return t.tv_sec;
}

static struct mail_run *take_run(struct imap_session *s)
{
    s->run = calloc(1, sizeof(*s->run));
    if (s->run)
        s->run->told_at = now_s();
    return s->run;
}

static const struct mail_verb refused = {0};

/* The verb's own reading of the arguments comes with its first step. */
bool mail_run_begin(struct imap_session *s, struct span command)
{
    struct mail_run *r = take_run(s);
    struct imap_command c;

    if (!r)
        return false;
    /* The cursor writes what it unescapes behind the command. */
    r->memory = malloc(2 * command.len + 1);
    if (!r->memory) {
        mail_run_drop(s);
        return false;
    }
    memcpy(r->memory, command.data, command.len);
    if (imap_command_parse(span_of(r->memory, command.len), &c) != IMAP_REFUSAL_NONE) {
        r->verb = &refused;
        r->tag = c.tag;
        r->over = true;
        mail_run_bad(r);
        return true;
    }
    r->tag = c.tag;
    r->uid = c.uid;
    r->spaced = c.spaced;
    r->verb = &mail_verbs[c.verb];
    r->args = imap_cursor_of(c.args, s->utf8, r->memory + command.len, command.len + 1);
    s->view.walked = true;
    if (!r->verb->step || (r->verb->rev1 && s->rev2)) {
        r->over = true;
        mail_run_end(r, MAIL_BAD, NULL,
                     r->verb->step ? "not a command of IMAP4rev2" : "command not offered");
    }
    return true;
}

/* idle-done = "DONE"                                                    ; RFC 9051 section 6.3.13
 */
bool mail_run_done(struct imap_session *s, struct span line)
{
    static const struct mail_verb done = {.news = MAIL_NEWS_ALL};
    struct mail_run *r = take_run(s);

    if (!r)
        return false;
    s->idling = false;
    r->verb = &done;
    r->memory = s->idle_tag;
    s->idle_tag = NULL;
    r->tag = span_of(r->memory + 1, r->memory[0]);
    r->over = true;
    if (span_equal_nocase(line, span_text("DONE")))
        mail_run_end(r, MAIL_OK, NULL, "idled");
    else
        mail_run_end(r, MAIL_BAD, NULL, "expected DONE");
    return true;
}

bool mail_run_news(struct imap_session *s)
{
    static const struct mail_verb news = {.news = MAIL_NEWS_ALL};
    struct mail_run *r = take_run(s);

    if (!r)
        return false;
    r->verb = &news;
    r->over = true;
    r->said = true;
    r->executed = IMAP_EXECUTED_IDLE;
    return true;
}

void mail_run_drop(struct imap_session *s)
{
    struct mail_run *r = s->run;

    if (!r)
        return;
    if (r->verb && r->verb->end)
        r->verb->end(r);
    else
        free(r->state);
    mail_text_free(&r->text);
    free(r->memory);
    free(r);
    s->run = NULL;
    s->view.walked = false;
}

/* ---- the end of a command ---- */

enum mail_step mail_run_end(struct mail_run *r, enum mail_outcome outcome, const char *code,
                            const char *words)
{
    r->outcome = (uint8_t)outcome;
    r->code = code;
    r->words = words;
    return MAIL_STEP_OVER;
}

enum mail_step mail_run_failed(struct mail_run *r, enum store_status status)
{
    switch (status) {
    case STORE_OK:
        return mail_run_ok(r);
    case STORE_NONE:
        return mail_run_end(r, MAIL_NO, "[NONEXISTENT]", "no such mailbox");
    case STORE_EXISTS:
        return mail_run_end(r, MAIL_NO, "[ALREADYEXISTS]", "the name is taken");
    case STORE_FULL:
        return mail_run_end(r, MAIL_NO, "[OVERQUOTA]", "no room left in the quota");
    case STORE_LIMIT:
        return mail_run_end(r, MAIL_NO, "[LIMIT]", "too many of them");
    case STORE_DISK_FULL:
        return mail_run_end(r, MAIL_NO, "[UNAVAILABLE]", "no room on the disk");
    default:
        return mail_run_end(r, MAIL_NO, "[SERVERBUG]", "the store has failed");
    }
}

/* An untagged response that was composed in part cannot be taken back, but nothing goes out of one
 * that failed: the session ends instead. */
static void put_tagged(struct mail_run *r)
{
    static const char *const names[] = {[MAIL_OK] = "OK ", [MAIL_NO] = "NO ", [MAIL_BAD] = "BAD "};
    size_t mark;

    if (!r->tag.data)
        return;
    do {
        mark = mail_text_mark(&r->text);
        writer_span_put(&r->text.w, r->tag);
        writer_byte(&r->text.w, ' ');
        writer_text(&r->text.w, names[r->outcome]);
        if (r->code) {
            writer_text(&r->text.w, r->code);
            writer_byte(&r->text.w, ' ');
        }
        writer_text(&r->text.w, r->words);
        writer_text(&r->text.w, "\r\n");
    } while (!mail_text_fits(&r->text, mark));
}

static enum mail_news news_of(const struct mail_run *r)
{
    /* Sequence numbers of a UID command are nobody's business (RFC 9051 section 7.5.1). */
    if (r->verb->news == MAIL_NEWS_NO_EXPUNGE && r->uid)
        return MAIL_NEWS_ALL;
    return (enum mail_news)r->verb->news;
}

static void finish(struct imap_session *s, struct mail_run *r)
{
    s->view.walked = false;
    mail_news_put(s, &r->text, news_of(r));
    if (s->view.box && s->view.box->deleted) {
        size_t mark;

        do {
            mark = mail_text_mark(&r->text);
            writer_text(&r->text.w, "* BYE the mailbox was deleted\r\n");
        } while (!mail_text_fits(&r->text, mark));
        r->said = true;
        r->executed = IMAP_EXECUTED_OVER;
        return;
    }
    mail_modseq_finish(s, r);
    put_tagged(r);
}

/* ---- as far as there is room ---- */

static uint32_t room_of(const struct chunk *out)
{
    return out->cap - out->len;
}

static void put_out(struct chunk *out, struct span bytes)
{
    memcpy(out->data + out->len, bytes.data, bytes.len);
    out->len += (uint32_t)bytes.len;
}

static void take_text(struct mail_run *r, struct chunk *out)
{
    struct span part = span_head(mail_text_left(&r->text), room_of(out));

    if (part.len)
        put_out(out, part);
    mail_text_take(&r->text, part.len);
}

/* What is decoded is made where it goes out. Likewise. */
static bool take_decoded(struct mail_run *r, struct chunk *out)
{
    struct mail_body *b = &r->body;
    uint64_t left = b->end - b->at;
    uint32_t room = room_of(out);
    struct span bytes = mail_decode_take(b->decode, left < room ? (size_t)left : room);

    if (room && bytes.len == 0) {
        r->text.failed = true;
        return true;
    }
    put_out(out, bytes);
    b->at += bytes.len;
    return room_of(out) == 0;
}

/* Octets of the message: copied while they fit, else lent; those that nothing pins are always
 * copied. True: the answer is full. */
static bool take_body(struct imap_session *s, struct mail_run *r, struct job_imap *answer)
{
    struct store *store = mail_service_store(s->service);
    struct mail_body *b = &r->body;
    struct span bytes;
    void *pin = NULL;

    if (b->decode)
        return take_decoded(r, answer->out);
    if (mail_source_read(b->source, b->at, &bytes, &pin) != STORE_OK || bytes.len == 0) {
        /* The literal's length was said: only an end tells the truth. */
        r->text.failed = true;
        return true;
    }
    bytes = span_head(bytes, b->end - b->at);
    if (!pin) {
        bytes = span_head(bytes, room_of(answer->out));
        put_out(answer->out, bytes);
        b->at += bytes.len;
        return room_of(answer->out) == 0;
    }
    if (bytes.len <= room_of(answer->out) && bytes.len <= COPIED_MAX) {
        put_out(answer->out, bytes);
        b->at += bytes.len;
        store_unpin(store, &pin, 1);
        return false;
    }
    b->at += bytes.len;
    answer->bytes_out = bytes;
    answer->pin_out = pin;
    return true;
}

/*
 * resp-text-code =/ "INPROGRESS" [SP "(" tag-string / nil SP progress SP goal ")"]   ; RFC 9585
 *
 * A client hears that its command lives; and a client that is not there any more is noticed, since
 * its end of the connection refuses the octets: then the session ends, and the command with it.
 */
static void put_progress(struct mail_run *r)
{
    int64_t now = now_s();
    size_t mark;

    if (now - r->told_at < PROGRESS_S || !r->tag.data)
        return;
    r->told_at = now;
    do {
        mark = mail_text_mark(&r->text);
        writer_text(&r->text.w, "* OK [INPROGRESS (");
        imap_write_quoted(&r->text.w, r->tag);
        if (r->progress < r->goal)
            writer_printf(&r->text.w, " %u %u)]", r->progress, r->goal);
        else
            writer_text(&r->text.w, " NIL NIL)]");
        writer_text(&r->text.w, " still at it\r\n");
    } while (!mail_text_fits(&r->text, mark));
}

/* True: it does not go on now. */
static bool next_step(struct imap_session *s, struct mail_run *r)
{
    enum mail_step step = r->verb->step(s, r);

    r->over = step == MAIL_STEP_OVER;
    r->waits = step == MAIL_STEP_WAIT;
    /* Nothing is told while the index is at it: its answer comes to nobody but this command. */
    if (r->asked)
        return true;
    if (step == MAIL_STEP_YIELD)
        put_progress(r);
    return r->waits || (step == MAIL_STEP_YIELD && mail_text_left(&r->text).len == 0);
}

void mail_run_pump(struct imap_session *s, struct job_imap *answer)
{
    struct mail_run *r = s->run;

    for (;;) {
        take_text(r, answer->out);
        if (r->text.failed) {
            answer->state_out = IMAP_EXECUTED_OVER;
            break;
        }
        if (mail_text_left(&r->text).len) {
            answer->more_out = true;
            return;
        }
        if (r->body.source && r->body.at < r->body.end) {
            if (take_body(s, r, answer)) {
                answer->more_out = !r->text.failed;
                if (answer->more_out)
                    return;
            }
            continue;
        }
        r->body = (struct mail_body){0};
        if (r->finished)
            break;
        if (!r->over && next_step(s, r)) {
            answer->append_out = r->waits;
            answer->more_out = !r->waits;
            return;
        }
        if (r->over && !r->body.source) {
            finish(s, r);
            r->finished = true;
        }
    }
    if (!r->text.failed) {
        answer->state_out = (uint8_t)(r->said       ? r->executed
                                      : s->view.box ? IMAP_EXECUTED_SELECTED
                                                    : IMAP_EXECUTED_AUTH);
        answer->bad_out = r->outcome == MAIL_BAD;
    }
    mail_run_drop(s);
}
