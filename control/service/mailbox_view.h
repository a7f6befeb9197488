/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_SERVICE_MAILBOX_VIEW_H
#define CONTROL_SERVICE_MAILBOX_VIEW_H

#include "control/store/store.h"

/*
 * An inbox as one POP3 client gets it: the store's view, with those messages converted that the
 * client cannot take as they are (proto/pop3/pop3_convert.h), and their sizes what RETR will send.
 * A size that is not known yet costs reading the message's headers; it is then remembered.
 *
 * Memory of a view: 32 bytes a message when some are converted, one bit a message for marks, beside
 * what the store's view takes (rocks_view.c: 72 bytes a message); 256 KiB and the part tree while a
 * converted message is read. Small messages are gathered: prefix and body of one, and of those
 * behind it that are asked for, lie in one buffer with one pin, which holds nothing of the store's.
 * All calls from one thread but for those that say another.
 */
struct mailbox_views;

struct mailbox_view_options {
    uint64_t account;
    uint8_t converted; /* enum pop3_form: messages with these are converted */
    uint8_t refused;   /* messages with these get POP3_FORM_REFUSED and their size as stored */
};

/* Borrows the store. NULL: no memory. About 600 KiB. */
struct mailbox_views *mailbox_views_new(struct store *store);
/* All views were closed and all pins given back. */
void mailbox_views_free(struct mailbox_views *views);

/* The rest is as in store.h. STORE_FULL: more than POP3_MESSAGES_MAX messages. */
enum store_status mailbox_view_open(struct mailbox_views *views,
                                    const struct mailbox_view_options *options,
                                    const struct pop3_mailbox **view_out);
/* What the job asks. Of a converted message the bytes from 0 on, each next call from where the last
 * one ended, and nothing of what is behind it. */
enum store_status mailbox_view_read(struct mailbox_views *views, struct job_mailbox_read *job);
void mailbox_view_unpin(struct mailbox_views *views, void *const *pins, uint32_t count);
/* Over a near store (store_near.h) the same two, by the worker whose session has the view. False:
 * the message is converted, or was: that takes memory, and nothing was done. */
bool mailbox_view_read_near(struct mailbox_views *views, struct job_mailbox_read *job,
                            enum store_status *status_out);
bool mailbox_view_unpin_near(struct mailbox_views *views, void *const *pins, uint32_t count);
void mailbox_view_close(struct mailbox_views *views, const struct pop3_mailbox *view);
/* The store's own view, for STORE_DELETE. From any thread. */
const struct pop3_mailbox *mailbox_view_stored(const struct pop3_mailbox *view);

#endif
