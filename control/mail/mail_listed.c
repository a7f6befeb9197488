/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/mail/mail_listed.h"

#include "proto/imap/imap_use.h"

void mail_listed_attributes(struct writer *w, const struct mail_node *node, unsigned told)
{
    if (told & MAIL_LISTED_SUBSCRIBED && node->marks & MAIL_NODE_SUBSCRIBED)
        writer_text(w, " \\Subscribed");
    if (!(node->marks & MAIL_NODE_EXISTS))
        writer_text(w, told & MAIL_LISTED_NONEXISTENT ? " \\NonExistent" : " \\Noselect");
    writer_text(w, node->marks & MAIL_NODE_CHILDREN ? " \\HasChildren" : " \\HasNoChildren");
    imap_use_put(w, node->uses);
}

/* oldname-extended-item = oldname-tag SP "(" mailbox ")"                  ; RFC 9051 section 9 */
static void put_line(struct mail_text *t, const struct mail_node *node, struct span name,
                     struct span old)
{
    uint8_t bytes[256];
    struct writer attributes = writer_of(bytes, sizeof(bytes));
    size_t mark;

    mail_listed_attributes(&attributes, node, MAIL_LISTED_SUBSCRIBED | MAIL_LISTED_NONEXISTENT);
    do {
        mark = mail_text_mark(t);
        writer_text(&t->w, "* LIST (");
        writer_span_put(&t->w, span_skip(writer_span(&attributes), 1));
        writer_text(&t->w, ") \"/\" ");
        imap_name_put(&t->w, name, true);
        if (old.len) {
            writer_text(&t->w, " (\"OLDNAME\" (");
            imap_name_put(&t->w, old, true);
            writer_text(&t->w, "))");
        }
        writer_text(&t->w, "\r\n");
    } while (!mail_text_fits(t, mark));
}

static bool respelt(const struct mail_name *name)
{
    return name && !span_equal(name->given, name->text);
}

/* What was given for the mailbox that has the name now, where that is another spelling. */
static struct span old_name(const struct mail_name *name, const struct mail_name *from)
{
    if (from)
        return from->given;
    return respelt(name) ? name->given : span_of(NULL, 0);
}

void mail_listed_put(struct imap_session *s, struct mail_run *r, const struct mail_name *name,
                     const struct mail_name *from)
{
    struct mail_node node = {.marks = 0};
    struct mail_nodes nodes;

    if (!s->rev2)
        return;
    if (mail_nodes_read(&nodes, mail_service_store(s->service), s->account, true, true) !=
        STORE_OK) {
        /* A response that a client relies upon cannot be left out. */
        r->text.failed = true;
        mail_nodes_free(&nodes);
        return;
    }
    for (size_t i = 0; i < nodes.count; i++)
        if (span_equal(nodes.nodes[i].name, name->text))
            node = nodes.nodes[i];
    put_line(&r->text, &node, name->text, old_name(name, from));
    mail_nodes_free(&nodes);
}

void mail_listed_spelling(struct imap_session *s, struct mail_run *r, const struct mail_name *name,
                          const struct mail_name *from)
{
    if (s->rev2 && (respelt(name) || respelt(from)))
        mail_listed_put(s, r, name, from);
}
