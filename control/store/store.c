/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/store/store_backup.h"
#include "control/store/store_ops.h"

void store_close(struct store *store)
{
    store_watched_fini(&store->watched);
    store->ops->close(store);
}

void store_secret(struct store *store, uint8_t secret_out[STORE_SECRET])
{
    store->ops->secret(store, secret_out);
}

uint64_t store_clock(struct store *store)
{
    return store->ops->clock(store);
}

enum store_status store_tenant_put(struct store *store, struct span name, uint64_t *tenant_out)
{
    return store->ops->tenant_put(store, name, tenant_out);
}

enum store_status store_domain_put(struct store *store, uint64_t tenant, struct span name,
                                   uint8_t class, uint64_t *domain_out)
{
    return store->ops->domain_put(store, tenant, name, class, domain_out);
}

enum store_status store_account_put(struct store *store, const struct store_account *account,
                                    uint64_t *account_out)
{
    return store->ops->account_put(store, account, account_out);
}

enum store_status store_account_rename(struct store *store, uint64_t account, struct span from,
                                       struct span to)
{
    return store->ops->account_rename(store, account, from, to);
}

enum store_status store_account_find(struct store *store, struct span key, uint64_t *account_out)
{
    return store->ops->account_find(store, key, account_out);
}

void store_full_watch(struct store *store, store_full_visit *visit, void *context)
{
    store->ops->full_watch(store, visit, context);
}

enum store_status store_write(struct store *store, const struct id128 *message, uint32_t row,
                              struct span bytes)
{
    return store->ops->write(store, message, row, bytes);
}

void store_apply(struct store *store, struct store_change *changes, uint32_t count)
{
    store->ops->apply(store, changes, count);
}

enum store_status store_view_open(struct store *store, uint64_t account,
                                  const struct pop3_mailbox **view_out)
{
    return store->ops->view_open(store, account, view_out);
}

enum store_status store_view_read(struct store *store, const struct pop3_mailbox *view,
                                  uint32_t index, uint64_t offset, struct span *bytes_out,
                                  void **pin_out)
{
    return store->ops->view_read(store, view, index, offset, bytes_out, pin_out);
}

enum store_status store_view_gather(struct store *store, const struct pop3_mailbox *view,
                                    uint32_t index, uint32_t count, struct writer *out)
{
    return store->ops->view_gather(store, view, index, count, out);
}

void store_unpin(struct store *store, void **pins, uint32_t count)
{
    store->ops->unpin(store, pins, count);
}

void store_view_close(struct store *store, const struct pop3_mailbox *view)
{
    store->ops->view_close(store, view);
}

enum store_status store_mailboxes(struct store *store, uint64_t account, store_mailbox_visit *visit,
                                  void *context)
{
    return store->ops->mailboxes(store, account, visit, context);
}

enum store_status store_entries(struct store *store, uint64_t mailbox, store_entry_visit *visit,
                                void *context)
{
    return store->ops->entries(store, mailbox, 0, visit, context);
}

enum store_status store_entries_from(struct store *store, uint64_t mailbox, uint32_t uid,
                                     store_entry_visit *visit, void *context)
{
    return store->ops->entries(store, mailbox, uid, visit, context);
}

enum store_status store_entry_find(struct store *store, uint64_t mailbox, uint32_t uid,
                                   store_entry_visit *visit, void *context)
{
    return store->ops->entry_find(store, mailbox, uid, visit, context);
}

enum store_status store_places(struct store *store, const struct id128 *message,
                               store_entry_visit *visit, void *context)
{
    return store->ops->places(store, message, visit, context);
}

enum store_status store_message_show(struct store *store, const struct id128 *message,
                                     store_message_visit *visit, void *context)
{
    return store->ops->message_show(store, message, visit, context);
}

enum store_status store_export(struct store *store, uint64_t mailbox, uint32_t uid,
                               store_bytes_visit *visit, void *context)
{
    return store->ops->export(store, mailbox, uid, visit, context);
}

enum store_status store_tombstones(struct store *store, uint64_t mailbox, uint64_t since,
                                   store_entry_visit *visit, void *context)
{
    return store->ops->tombstones(store, mailbox, since, visit, context);
}

const struct store_fault_row store_faults[STORE_FAULTS] = {
#define STORE_FAULT(NAME, name, sum, repair, text) {name, repair, text},
#include "control/store/store_fault.def"
#undef STORE_FAULT
};
_Static_assert((int)STORE_FAULTS <= (int)STORE_FAULTS_MAX, "struct store_health has room for all");

enum store_status store_fsck(struct store *store, const struct store_fsck *options,
                             struct store_health *health_out)
{
    return store->ops->fsck(store, options, health_out);
}

enum store_status store_check(struct store *store, struct store_health *health_out)
{
    return store_fsck(store, &(struct store_fsck){.repair = false}, health_out);
}

enum store_status store_directory_find(struct store *store, struct span key,
                                       struct writer *value_out)
{
    return store->ops->directory_find(store, key, value_out);
}

enum store_status store_directory_put(struct store *store, const struct store_directory_row *rows,
                                      uint32_t count, const struct store_audit *audit,
                                      uint32_t audits)
{
    for (uint32_t i = 0; i < audits; i++)
        if (!store_reason_valid(&audit[i].for_))
            return STORE_FAILED;
    return store->ops->directory_put(store, rows, count, audit, audits);
}

enum store_status store_directory_walk(struct store *store, struct span start,
                                       store_directory_visit *visit, void *context)
{
    return store->ops->directory_walk(store, start, visit, context);
}

enum store_status store_greylist_find(struct store *store, struct span key,
                                      struct store_greylist_row *row_out)
{
    return store->ops->greylist_find(store, key, row_out);
}

enum store_status store_greylist_put(struct store *store, const struct store_greylist_row *rows,
                                     uint32_t count)
{
    return store->ops->greylist_put(store, rows, count);
}

enum store_status store_greylist_walk(struct store *store, struct span start,
                                      store_greylist_visit *visit, void *context)
{
    return store->ops->greylist_walk(store, start, visit, context);
}

enum store_status store_collect(struct store *store, const struct store_collect *limits,
                                struct store_collected *collected)
{
    return store->ops->collect(store, limits, collected);
}

enum store_status store_backup_create(struct store *store, const char *folder, uint32_t *id_out,
                                      char *error)
{
    return store->ops->backup(store, folder, id_out, error);
}

enum store_status store_audit(struct store *store, uint64_t since, store_audit_visit *visit,
                              void *context)
{
    return store->ops->audit(store, since, visit, context);
}

enum store_status store_audit_last(struct store *store, uint64_t *sequence_out)
{
    return store->ops->audit_last(store, sequence_out);
}

enum store_status store_audit_trim(struct store *store, uint64_t before_ms, uint32_t limit,
                                   uint32_t *removed_out)
{
    return store->ops->audit_trim(store, before_ms, limit, removed_out);
}

void store_quarantine_limit(struct store *store, const struct store_quarantine_limits *limits)
{
    store->ops->quarantine_limit(store, limits);
}

enum store_status store_erase(struct store *store, struct span key,
                              const struct store_reason *reason, uint64_t *account_out)
{
    return store->ops->erase(store, key, reason, account_out);
}

enum store_status store_erase_step(struct store *store, store_erasure_visit *visit, void *context,
                                   bool *done_out)
{
    return store->ops->erase_step(store, visit, context, done_out);
}

const char *store_status_name(enum store_status status)
{
    static const char *const names[] = {
        [STORE_OK] = "ok",
        [STORE_NONE] = "not found",
        [STORE_BUSY] = "in use",
        [STORE_FULL] = "over quota",
        [STORE_DISK_FULL] = "disk full",
        [STORE_CORRUPT] = "damaged row",
        [STORE_NEWER] = "written by a later version",
        [STORE_FAILED] = "failed",
        [STORE_TOO_OLD] = "too old",
        [STORE_EXISTS] = "the name is taken",
        [STORE_LIMIT] = "too many",
    };

    return names[status];
}
