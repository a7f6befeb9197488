/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/mail/mail_flag.h"

#include "control/mail/mail_words.h"
#include "proto/imap/imap_write.h"

static const struct {
    uint32_t wire, stored;
} pairs[] = {{IMAP_FLAG_ANSWERED, STORE_FLAG_ANSWERED},
             {IMAP_FLAG_FLAGGED, STORE_FLAG_FLAGGED},
             {IMAP_FLAG_DELETED, STORE_FLAG_DELETED},
             {IMAP_FLAG_SEEN, STORE_FLAG_SEEN},
             {IMAP_FLAG_DRAFT, STORE_FLAG_DRAFT}};

enum { PAIRS = sizeof(pairs) / sizeof(pairs[0]) };

uint32_t mail_flag_stored(unsigned wire)
{
    uint32_t stored = 0;

    for (int i = 0; i < PAIRS; i++)
        stored |= wire & pairs[i].wire ? pairs[i].stored : 0;
    return stored;
}

unsigned mail_flag_wire(const struct mail_view *v, const struct mail_message *m)
{
    unsigned wire = mail_view_recent(v, m) ? IMAP_FLAG_RECENT : 0;

    for (int i = 0; i < PAIRS; i++)
        wire |= m->flags & pairs[i].stored ? pairs[i].wire : 0;
    return wire;
}

void mail_flag_put(struct writer *w, const struct imap_session *s, const struct mail_message *m)
{
    struct cursor words = cursor_of(mail_box_keywords(s->view.box, m->keywords));
    unsigned told = s->rev2 ? ~(unsigned)IMAP_FLAG_RECENT : ~0u;
    struct span word;
    bool first = true;

    writer_byte(w, '(');
    imap_write_flags(w, mail_flag_wire(&s->view, m) & told, &first);
    while (mail_words_next(&words, &word))
        imap_write_flag(w, word, &first);
    writer_byte(w, ')');
}
