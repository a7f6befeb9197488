/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/session/session_imap.h"
#include "dataplane/session/session_pack.h"
#include "dataplane/session/transaction.h"

/*
 * The messages of an APPEND (RFC 9051 section 6.3.12, RFC 3502), one by one, each kept and read as
 * one of SMTP is: rows are written while it comes, and its part tree is made in the same pass.
 * Control keeps what comes before the last.
 */

void session_imap_append(struct sessions *ss, struct session *s)
{
    struct imap_work *w = s->work;
    enum smtp_reply_id why;

    w->append = w->again = w->fault_bad = w->nul = false;
    w->fault = NULL;
    w->command = span_of(NULL, 0);
    w->tx = transaction_begin(ss, s, &why);
    if (!w->tx) {
        imap_server_append_refuse(&s->imap);
        w->fault = "[UNAVAILABLE] no memory for a message, try again later";
        w->answering = true;
        w->wanted = JOB_IMAP_APPEND;
        return;
    }
    /* Whoever puts a message into a mailbox of theirs is not asked what it says. */
    if (w->tx->match)
        rule_match_fini(w->tx->match);
    w->tx->match = NULL;
    if (s->packed)
        session_pack_counted(ss, s);
    /* It has no record that would tell its cycles. */
    transaction_stamp_off(ss);
    imap_server_append(&s->imap);
}

bool session_imap_append_ready(struct sessions *ss, struct session *s)
{
    return s->work->whole || transaction_ready(ss, s, s->work->tx);
}

static void refuse(struct imap_work *w, const char *fault)
{
    if (!w->fault)
        w->fault = fault;
    w->tx->failed = true;
}

void session_imap_append_take(struct sessions *ss, struct session *s, struct span bytes)
{
    struct imap_work *w = s->work;
    struct span text;

    s->spoke = true;
    if (w->tx->failed)
        return;
    transaction_keep(ss, s, w->tx, bytes);
    if (transaction_content_feed(ss, w->tx, bytes, &text) != SMTP_REPLY_NONE)
        refuse(w, "[UNAVAILABLE] no room to read the message, try again later");
}

void session_imap_append_end(struct sessions *ss, struct session *s,
                             const struct imap_action *action)
{
    struct imap_work *w = s->work;

    w->nul = action->nul;
    if (action->nul && !action->literal8)
        refuse(w, "[CANNOT] NUL in a message");
    if (!w->tx->failed && w->tx->message.size == 0)
        refuse(w, "[CANNOT] a message has one octet at least");
    if (!w->tx->failed && transaction_content_finish(ss, w->tx) != SMTP_REPLY_NONE)
        refuse(w, "[UNAVAILABLE] no room to read the message, try again later");
}

void session_imap_append_whole(struct session *s, struct span behind, bool again)
{
    struct imap_work *w = s->work;

    w->command = behind;
    w->again = again;
    w->whole = true;
}

void session_imap_append_fail(struct session *s, const struct imap_action *action)
{
    struct imap_work *w = s->work;

    if (!w->fault)
        w->fault_bad = action->bad;
    refuse(w, (const char *)action->bytes.data);
    w->whole = true;
}

void session_imap_append_commit(struct sessions *ss, struct session *s)
{
    struct imap_work *w = s->work;

    if (w->answering)
        return;
    if (!w->tx->failed) {
        transaction_release(w->tx);
        transaction_write(ss, s, w->tx);
        if (w->tx->rows || w->tx->writes)
            return;
        transaction_close(ss, w->tx);
    }
    w->answering = true;
    w->wanted = JOB_IMAP_APPEND;
}

void session_imap_append_written(struct sessions *ss, struct session *s, const struct job *job)
{
    struct imap_work *w = s->work;

    (void)ss;
    if (!w || !w->tx ||
        memcmp(&w->tx->message.id, &job->store_write.message, sizeof(struct id128)) != 0)
        return;
    w->tx->writes--;
    if (job->status != JOB_OK)
        refuse(w, job->status == JOB_DISK_FULL ? "[UNAVAILABLE] no room on the disk"
                                               : "[SERVERBUG] the store has failed");
}

void session_imap_append_done(struct sessions *ss, struct session *s)
{
    struct imap_work *w = s->work;

    w->whole = false;
    /* Of the message that follows it is the same question again: may it come? */
    w->append = w->again;
    if (!w->tx)
        return;
    w->tx->committed = !w->fault && w->stored;
    w->closed = true;
    session_imap_append_forget(ss, s);
}

bool session_imap_append_forget(struct sessions *ss, struct session *s)
{
    struct imap_work *w = s->work;

    if (!transaction_may_end(ss, s, w->tx))
        return false;
    transaction_forget(ss, w->tx);
    w->tx = NULL;
    w->whole = w->closed = false;
    return true;
}
