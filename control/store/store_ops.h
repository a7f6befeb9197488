/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_STORE_STORE_OPS_H
#define CONTROL_STORE_STORE_OPS_H

#include "control/store/store_collect.h"
#include "control/store/store_directory.h"
#include "control/store/store_erase.h"
#include "control/store/store_greylist.h"
#include "control/store/store_mailbox.h"
#include "control/store/store_quarantine.h"
#include "control/store/store_watched.h"

/* What a back end offers to workers themselves; each function is the one of store_near.h. */
struct store_near {
    bool (*commit)(struct store *, uint16_t, struct message *, enum store_status *);
    bool (*write)(struct store *, uint16_t, const struct id128 *, uint32_t, struct span,
                  enum store_status *);
    bool (*discard)(struct store *, uint16_t, const struct id128 *);
};

/* What a back end implements; each function is the one of store.h with the same name. Its own
 * struct begins with a struct store. */
struct store_ops {
    const struct store_near *near; /* NULL: workers ask control threads */
    void (*close)(struct store *);
    uint64_t (*clock)(struct store *);
    void (*secret)(struct store *, uint8_t *);
    enum store_status (*tenant_put)(struct store *, struct span, uint64_t *);
    enum store_status (*domain_put)(struct store *, uint64_t, struct span, uint8_t, uint64_t *);
    enum store_status (*account_put)(struct store *, const struct store_account *, uint64_t *);
    enum store_status (*account_rename)(struct store *, uint64_t, struct span, struct span);
    void (*full_watch)(struct store *, store_full_visit *, void *);
    enum store_status (*account_find)(struct store *, struct span, uint64_t *);
    enum store_status (*write)(struct store *, const struct id128 *, uint32_t, struct span);
    void (*apply)(struct store *, struct store_change *, uint32_t);
    enum store_status (*view_open)(struct store *, uint64_t, const struct pop3_mailbox **);
    enum store_status (*view_read)(struct store *, const struct pop3_mailbox *, uint32_t, uint64_t,
                                   struct span *, void **);
    enum store_status (*view_gather)(struct store *, const struct pop3_mailbox *, uint32_t,
                                     uint32_t, struct writer *);
    void (*unpin)(struct store *, void **, uint32_t);
    void (*view_close)(struct store *, const struct pop3_mailbox *);
    enum store_status (*mailboxes)(struct store *, uint64_t, store_mailbox_visit *, void *);
    enum store_status (*mailbox_find)(struct store *, uint64_t, struct span, uint64_t *);
    enum store_status (*mailbox_show)(struct store *, uint64_t, store_mailbox_visit *, void *);
    enum store_status (*mailbox_create)(struct store *, uint64_t, struct span, uint16_t,
                                        uint64_t *);
    enum store_status (*mailbox_delete)(struct store *, uint64_t);
    enum store_status (*mailbox_rename)(struct store *, uint64_t, struct span);
    enum store_status (*mailbox_use)(struct store *, uint64_t, uint16_t);
    enum store_status (*subscribe)(struct store *, uint64_t, struct span, bool);
    enum store_status (*subscriptions)(struct store *, uint64_t, store_name_visit *, void *);
    enum store_status (*quota)(struct store *, uint64_t, struct store_quota *);
    enum store_status (*entries)(struct store *, uint64_t, uint32_t, store_entry_visit *, void *);
    enum store_status (*sync)(struct store *);
    enum store_status (*reading_open)(struct store *, uint64_t, uint32_t,
                                      const struct store_reading **);
    enum store_status (*reading_read)(struct store *, const struct store_reading *, uint64_t,
                                      struct span *, void **);
    void (*reading_close)(struct store *, const struct store_reading *);
    enum store_status (*entry_find)(struct store *, uint64_t, uint32_t, store_entry_visit *,
                                    void *);
    enum store_status (*places)(struct store *, const struct id128 *, store_entry_visit *, void *);
    enum store_status (*message_show)(struct store *, const struct id128 *, store_message_visit *,
                                      void *);
    enum store_status (*export)(struct store *, uint64_t, uint32_t, store_bytes_visit *, void *);
    enum store_status (*tombstones)(struct store *, uint64_t, uint64_t, store_entry_visit *,
                                    void *);
    enum store_status (*collect)(struct store *, const struct store_collect *,
                                 struct store_collected *);
    enum store_status (*backup)(struct store *, const char *, uint32_t *, char *);
    enum store_status (*audit)(struct store *, uint64_t, store_audit_visit *, void *);
    enum store_status (*audit_last)(struct store *, uint64_t *);
    enum store_status (*audit_trim)(struct store *, uint64_t, uint32_t, uint32_t *);
    void (*quarantine_limit)(struct store *, const struct store_quarantine_limits *);
    enum store_status (*erase)(struct store *, struct span, const struct store_reason *,
                               uint64_t *);
    enum store_status (*erase_step)(struct store *, store_erasure_visit *, void *, bool *);
    enum store_status (*directory_find)(struct store *, struct span, struct writer *);
    enum store_status (*directory_put)(struct store *, const struct store_directory_row *,
                                       uint32_t, const struct store_audit *, uint32_t);
    enum store_status (*directory_walk)(struct store *, struct span, store_directory_visit *,
                                        void *);
    enum store_status (*greylist_find)(struct store *, struct span, struct store_greylist_row *);
    enum store_status (*greylist_put)(struct store *, const struct store_greylist_row *, uint32_t);
    enum store_status (*greylist_walk)(struct store *, struct span, store_greylist_visit *, void *);
    enum store_status (*fsck)(struct store *, const struct store_fsck *, struct store_health *);
};

struct store {
    const struct store_ops *ops;
    struct store_watched watched;
};

#endif
