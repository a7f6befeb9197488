/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/mail/mail_modseq.h"
#include "control/mail/mail_verb.h"

/* ENABLE (RFC 5161, RFC 9051 section 6.3.1). */

/* RFC 9051 appendix A */
static void enable_rev2(struct imap_session *s, struct mail_run *r)
{
    (void)r;
    s->rev2 = s->utf8 = true;
}

/* RFC 6855 section 3 */
static void enable_accept(struct imap_session *s, struct mail_run *r)
{
    (void)r;
    s->accept = s->utf8 = true;
}

static void enable_condstore(struct imap_session *s, struct mail_run *r)
{
    mail_modseq_enable(s, &r->text);
}

/* It implies CONDSTORE (RFC 7162 section 3.2.3). */
static void enable_qresync(struct imap_session *s, struct mail_run *r)
{
    mail_modseq_enable(s, &r->text);
    s->qresync = true;
}

static const struct {
    const char *name;
    void (*enable)(struct imap_session *s, struct mail_run *r);
} extensions[] = {{"CONDSTORE", enable_condstore},
                  {"IMAP4rev2", enable_rev2},
                  {"QRESYNC", enable_qresync},
                  {"UTF8=ACCEPT", enable_accept}};

enum { EXTENSIONS = sizeof(extensions) / sizeof(extensions[0]) };

static unsigned find(struct span name)
{
    unsigned i = 0;

    while (i < EXTENSIONS && !span_equal_nocase(name, span_text(extensions[i].name)))
        i++;
    return i;
}

/*
 * enable = "ENABLE" 1*(SP capability)                                 ; RFC 9051 section 9
 *
 * What is not known, or cannot be enabled, is passed over: the untagged response says what was. It
 * is taken with a mailbox selected too, which RFC 5161 section 3.1 leaves to servers.
 */
enum mail_step mail_enable(struct imap_session *s, struct mail_run *r)
{
    unsigned wanted = 0;
    size_t mark;

    do {
        struct span name = {0};

        if (imap_cursor_atom(&r->args, &name))
            wanted |= 1u << find(name);
    } while (imap_cursor_take_byte(&r->args, ' '));
    if (!imap_cursor_done(&r->args))
        return mail_run_bad(r);
    do {
        mark = mail_text_mark(&r->text);
        writer_text(&r->text.w, "* ENABLED");
        for (unsigned i = 0; i < EXTENSIONS; i++)
            if (wanted & 1u << i)
                writer_printf(&r->text.w, " %s", extensions[i].name);
        writer_text(&r->text.w, "\r\n");
    } while (!mail_text_fits(&r->text, mark));
    for (unsigned i = 0; i < EXTENSIONS; i++)
        if (wanted & 1u << i)
            extensions[i].enable(s, r);
    return mail_run_ok(r);
}
