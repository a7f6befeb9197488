/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/mail/mail_saved.h"

#include <stdlib.h>

void mail_saved_clear(struct imap_session *s)
{
    free(s->saved.ranges);
    s->saved = (struct imap_set){0};
}

/* Messages next to each other are one range, whatever UIDs between them are gone: those never come
 * again. */
static uint32_t count_ranges(const struct mail_found *found, uint32_t count)
{
    uint32_t ranges = 0;

    for (uint32_t i = 0; i < count; i++)
        ranges += i == 0 || found[i].number != found[i - 1].number + 1;
    return ranges;
}

static bool save(struct imap_session *s, const struct mail_found *found, uint32_t count)
{
    const struct mail_message *messages = s->view.box->messages;
    uint32_t ranges = count_ranges(found, count);
    struct imap_range *at;

    mail_saved_clear(s);
    if (count == 0)
        return true;
    at = ranges <= MAIL_SAVED_RANGES ? malloc(ranges * sizeof(*at)) : NULL;
    if (!at)
        return false;
    s->saved = imap_set_of(at, ranges);
    s->saved.count = ranges;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t uid = messages[found[i].slot].uid;

        if (i && found[i].number == found[i - 1].number + 1)
            at[-1].high = uid;
        else
            *at++ = (struct imap_range){uid, uid};
    }
    return true;
}

bool mail_saved_keep(struct imap_session *s, unsigned wanted, const struct mail_found *found,
                     uint32_t count, const struct mail_found *first, const struct mail_found *last)
{
    struct mail_found ends[2];
    uint32_t kept = 0;

    if (!(wanted & IMAP_RETURN_SAVE))
        return true;
    if (wanted & (IMAP_RETURN_ALL | IMAP_RETURN_COUNT) ||
        !(wanted & (IMAP_RETURN_MIN | IMAP_RETURN_MAX)) || count == 0)
        return save(s, found, count);
    if (wanted & IMAP_RETURN_MIN)
        ends[kept++] = *first;
    if (wanted & IMAP_RETURN_MAX && (kept == 0 || last->slot != first->slot))
        ends[kept++] = *last;
    if (kept == 2 && ends[0].slot > ends[1].slot) {
        struct mail_found other = ends[0];

        ends[0] = ends[1];
        ends[1] = other;
    }
    return save(s, ends, kept);
}
