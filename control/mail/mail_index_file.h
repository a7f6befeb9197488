/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_MAIL_MAIL_INDEX_FILE_H
#define CONTROL_MAIL_MAIL_INDEX_FILE_H

#include "control/mail/mail_index_sqlite.h"
#include "control/mail/mail_index_text.h"

/*
 * The index of one account, a file of SQLite's: which messages of which mailboxes are in it, their
 * folded texts (compressed), and an FTS5 table of the trigrams in them. A message that is in several
 * mailboxes is one document. One thread.
 */
struct mail_index_file;

enum { MAIL_INDEX_EMAIL = 18 }; /* octets of the id that all copies of a message share */

/* How far a mailbox is indexed. */
struct mail_index_box {
    uint32_t uid_validity;
    uint32_t uid_next; /* what is below it was looked at */
    uint64_t modseq;   /* what was removed up to here is not in it */
    uint64_t messages; /* in the index */
};

/* Makes it where it is not there. */
enum mail_index_fault mail_index_file_open(const char *path, struct mail_index_file **file_out);
/* The first fault: from then on everything fails until it is opened again. */
enum mail_index_fault mail_index_file_fault(const struct mail_index_file *f);
/* What was not committed is undone. */
void mail_index_file_close(struct mail_index_file *f);

/* Changes are between these. */
enum mail_index_fault mail_index_file_begin(struct mail_index_file *f);
enum mail_index_fault mail_index_file_commit(struct mail_index_file *f);

/* All zero: the mailbox is not known. */
enum mail_index_fault mail_index_file_box(struct mail_index_file *f, uint64_t mailbox,
                                          struct mail_index_box *box_out);
/* NULL: it is forgotten. */
enum mail_index_fault mail_index_file_set(struct mail_index_file *f, uint64_t mailbox,
                                          const struct mail_index_box *box);
/* True when the document is there already, and now in the mailbox too. */
enum mail_index_fault mail_index_file_link(struct mail_index_file *f, uint64_t mailbox,
                                           uint32_t uid, const uint8_t email[MAIL_INDEX_EMAIL],
                                           bool *linked_out);
/* A new document, in the mailbox. */
enum mail_index_fault mail_index_file_add(struct mail_index_file *f, uint64_t mailbox, uint32_t uid,
                                          const uint8_t email[MAIL_INDEX_EMAIL],
                                          const struct mail_index_text *text);
/* A message that could not be read: whoever looks for something has to read it. */
enum mail_index_fault mail_index_file_add_unread(struct mail_index_file *f, uint64_t mailbox,
                                                 uint32_t uid);
/* Out of the mailbox; a document that is in none goes. */
enum mail_index_fault mail_index_file_remove(struct mail_index_file *f, uint64_t mailbox,
                                             uint32_t uid, bool *removed_out);

struct mail_index_entry {
    uint32_t uid;
    bool partial; /* there is more text in the message than in the document */
    int64_t document; /* 0: of one that could not be read */
};

/* Up to `max` messages of a mailbox, from `uid` on, in the order of UIDs. */
enum mail_index_fault mail_index_file_entries(struct mail_index_file *f, uint64_t mailbox,
                                              uint32_t uid, struct mail_index_entry *entries_out,
                                              uint32_t max, uint32_t *count_out);
/* Up to `max` documents behind `document` that have all of the trigrams (mail_index_text_query()),
 * of whatever mailbox, ascending. */
enum mail_index_fault mail_index_file_candidates(struct mail_index_file *f, const char *query,
                                                 int64_t document, int64_t *documents_out,
                                                 uint32_t max, uint32_t *count_out);
/* How many UIDs a document has in a mailbox, from `uid` on, up to `max`. */
uint32_t mail_index_file_places(struct mail_index_file *f, int64_t document, uint64_t mailbox,
                                uint32_t uid, uint32_t *uids_out, uint32_t max);
/* mail_index_text_find() in a document; one that is gone has nothing. */
enum mail_index_fault mail_index_file_find(struct mail_index_file *f, int64_t document,
                                           const struct mail_grep *what, bool *found_out);

#endif
