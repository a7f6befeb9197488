/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/proto/smtp_play.h"

#include <stdio.h>

static const struct smtp_server_options options = {
    .hostname = {(const uint8_t *)"mx.example.org", 14},
    .size_max = 1000,
    .text_line_max = 200,
    .messages_max = 7,
    .command_line_max = 128,
    .recipients_max = 3,
    .errors_max = 4,
    .idle_max = 12,
};

bool play_trusted, play_starttls, play_submits, play_secure;

void play_begin(struct play *p, void *text, size_t cap)
{
    static struct smtp_server_options other;

    memset(p, 0, sizeof(*p));
    other = options;
    other.starttls = play_starttls;
    other.cleartext = play_submits;
    other.requiretls = play_secure;
    other.mechanisms = span_text(play_submits ? " PLAIN LOGIN" : "");
    smtp_server_init(&p->server, &other);
    if (play_trusted)
        smtp_server_trust(&p->server);
    p->scratch = writer_of(p->reply_bytes, sizeof(p->reply_bytes));
    p->out = writer_of(text, cap);
}

static enum smtp_reply_id judge_path(const struct smtp_action *a)
{
    if (span_equal(a->path.local, span_text("nobody")))
        return SMTP_REPLY_UNKNOWN_USER;
    if (span_equal(a->path.local, span_text("full")))
        return SMTP_REPLY_MAILBOX_FULL;
    if (span_equal(a->path.local, span_text("spam")))
        return SMTP_REPLY_RULE_REJECTED;
    if (span_equal(a->path.local, span_text("bye")))
        return SMTP_REPLY_DRAINING;
    return SMTP_REPLY_OK;
}

/* By what was said: "good" is right, "more" leads on, "*" cancels. */
static enum smtp_reply_id judge_login(const struct smtp_action *a, struct span *own_out)
{
    struct span said = a->kind == SMTP_ACTION_AUTH ? a->initial : a->bytes;

    *own_out = span_of(NULL, 0);
    if (a->too_long)
        return SMTP_REPLY_AUTH_TOO_LONG;
    if (span_equal(said, span_text("good")))
        return SMTP_REPLY_OK;
    if (span_equal(said, span_text("*")))
        return SMTP_REPLY_AUTH_CANCELLED;
    if (a->kind == SMTP_ACTION_AUTH || span_equal(said, span_text("more"))) {
        *own_out = said;
        return SMTP_REPLY_AUTH_CHALLENGE;
    }
    return SMTP_REPLY_AUTH_FAILED;
}

void play_decide(struct play *p, const struct smtp_action *a)
{
    p->answer = SMTP_REPLY_OK;
    p->own = span_of(NULL, 0);
    switch (a->kind) {
    case SMTP_ACTION_HELO:
        if (span_equal(a->name, span_text("evil")))
            p->answer = SMTP_REPLY_RULE_REJECTED;
        break;
    case SMTP_ACTION_MAIL:
    case SMTP_ACTION_RCPT:
        p->answer = judge_path(a);
        p->open += a->kind == SMTP_ACTION_MAIL && p->answer == SMTP_REPLY_OK;
        p->begun = p->rejects = false;
        p->prdr = a->kind == SMTP_ACTION_MAIL ? a->prdr : p->prdr;
        break;
    case SMTP_ACTION_AUTH:
    case SMTP_ACTION_RESPONSE:
        p->answer = judge_login(a, &p->own);
        p->own =
            span_of(memcpy(p->said, p->own.len ? p->own.data : p->said, p->own.len), p->own.len);
        break;
    case SMTP_ACTION_END:
        p->answer = p->rejects ? SMTP_REPLY_RULE_REJECTED : SMTP_REPLY_ACCEPTED;
        p->own = span_text(p->rejects ? "own words" : "ID1");
        if (p->prdr && !p->rejects)
            p->answer = SMTP_REPLY_PRDR;
        if (p->prdr)
            p->own = span_of(NULL, 0);
        break;
    case SMTP_ACTION_VERDICT:
        p->answer = a->index == 1 ? SMTP_REPLY_RULE_REJECTED : SMTP_REPLY_OK;
        break;
    case SMTP_ACTION_FINAL:
        p->answer = SMTP_REPLY_ACCEPTED;
        p->own = span_text("ID1");
        break;
    default:
        break;
    }
    if (!p->late)
        CHECK(smtp_server_answer(&p->server, p->answer, p->own));
}

static void note_path(struct play *p, const char *what, const struct smtp_action *a)
{
    writer_printf(&p->out, "%s(%.*s@%.*s", what, (int)a->path.local.len, a->path.local.data,
                  (int)a->path.domain.len, a->path.domain.data);
    if (a->size || a->body)
        writer_printf(&p->out, " %llu %u", (unsigned long long)a->size, a->body);
    writer_text(&p->out, a->smtputf8 ? " UTF8" : "");
    writer_text(&p->out, a->prdr ? " PRDR" : "");
    writer_text(&p->out, a->require_tls ? " REQUIRETLS" : "");
    writer_text(&p->out, ")");
}

/* Writes one action down; false when it ends the feeding of this input. */
bool play_act(struct play *p, const struct smtp_action *a)
{
    switch (a->kind) {
    case SMTP_ACTION_MORE:
        return false;
    case SMTP_ACTION_BUFFER:
        smtp_server_attach(&p->server, p->buffer);
        return true;
    case SMTP_ACTION_ROOM:
        p->scratch = writer_of(p->reply_bytes, sizeof(p->reply_bytes));
        return true;
    case SMTP_ACTION_WAIT:
        return CHECK(p->late && smtp_server_answer(&p->server, p->answer, p->own));
    case SMTP_ACTION_REPLY:
        CHECK(a->reply != SMTP_REPLY_NONE && a->bytes.len > 2);
        p->scratch.full |= p->tiny;
        writer_text(&p->out, "<");
        writer_span_put(&p->out, a->bytes);
        return true;
    case SMTP_ACTION_CONNECT:
        writer_text(&p->out, "CONNECT ");
        break;
    case SMTP_ACTION_AUTH:
        writer_printf(&p->out, "AUTH(%.*s %.*s)", (int)a->mechanism.len, a->mechanism.data,
                      (int)a->initial.len, a->initial.data ? (const char *)a->initial.data : "");
        break;
    case SMTP_ACTION_RESPONSE:
        writer_printf(&p->out, "RESPONSE(%.*s%s)", (int)a->bytes.len,
                      a->bytes.len ? (const char *)a->bytes.data : "", a->too_long ? "..." : "");
        break;
    case SMTP_ACTION_HELO:
        writer_printf(&p->out, "HELO(%.*s %d)", (int)a->name.len, a->name.data, a->esmtp);
        break;
    case SMTP_ACTION_MAIL:
        note_path(p, "MAIL", a);
        break;
    case SMTP_ACTION_RCPT:
        note_path(p, "RCPT", a);
        break;
    case SMTP_ACTION_DATA:
        writer_text(&p->out, "DATA ");
        break;
    case SMTP_ACTION_TEXT:
        if (!p->begun)
            p->rejects = a->bytes.data[0] == '!';
        p->begun = true;
        writer_span_put(&p->out, a->bytes);
        return true;
    case SMTP_ACTION_REFUSED:
        writer_printf(&p->out, "REFUSED(%s)", smtp_reply_row(a->reply)->counter);
        return true;
    case SMTP_ACTION_END:
        writer_text(&p->out, "END ");
        break;
    case SMTP_ACTION_VERDICT:
        writer_printf(&p->out, "VERDICT(%u)", a->index);
        break;
    case SMTP_ACTION_FINAL:
        writer_text(&p->out, "FINAL ");
        break;
    case SMTP_ACTION_XCLIENT:
        writer_printf(&p->out, "XCLIENT(%.*s)", (int)a->xclient.name.len,
                      a->xclient.name.len ? (const char *)a->xclient.name.data : "");
        break;
    case SMTP_ACTION_RESET:
        p->open--;
        CHECK(p->open == 0);
        writer_text(&p->out, "RESET ");
        return true;
    case SMTP_ACTION_TLS:
        writer_text(&p->out, "TLS");
        return false;
    case SMTP_ACTION_CLOSE:
        writer_text(&p->out, "CLOSE");
        return false;
    }
    play_decide(p, a);
    return true;
}

bool play_feed(struct play *p, struct span in)
{
    struct smtp_action a;

    do {
        smtp_server_next(&p->server, &in, &p->scratch, &a);
    } while (play_act(p, &a));
    if (a.kind == SMTP_ACTION_MORE)
        CHECK(in.len == 0);
    return a.kind == SMTP_ACTION_MORE;
}

char play_text[PLAY_TEXT];

void check_plays(const char *input, const char *expected)
{
    struct span whole = guard_copy(span_text(input), true);
    struct play p;

    for (size_t cut = 0; cut <= whole.len; cut++) {
        play_begin(&p, play_text, sizeof(play_text));
        p.late = cut % 2;
        if (play_feed(&p, span_head(whole, cut)))
            play_feed(&p, span_skip(whole, cut));
        if (!CHECK_TEXT(writer_span(&p.out), expected))
            printf("# cut at %zu\n", cut);
    }
    for (size_t step = 1; step <= 5; step++) {
        play_begin(&p, play_text, sizeof(play_text));
        p.tiny = step % 2;
        for (size_t at = 0; at < whole.len; at += step)
            if (!play_feed(&p, span_head(span_skip(whole, at), step)))
                break;
        CHECK_TEXT(writer_span(&p.out), expected);
    }
    guard_free(whole);
}
