/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_DIRECTORY_DIRECTORY_ADMIN_H
#define CONTROL_DIRECTORY_DIRECTORY_ADMIN_H

#include "control/directory/directory_row.h"
#include "control/store/store_directory.h"

/*
 * Changes of the rows of the back end "store": one at a time, durable before they return. What
 * workers remember of the names is for the caller to forget (directory_service_changed()). Any
 * control thread.
 */

/* A row read into memory that the caller gives, DIRECTORY_ROW_VALUE octets. STORE_CORRUPT: it
 * cannot be read. */
enum store_status directory_admin_account(struct store *store, struct span key, uint8_t *memory,
                                          struct directory_row_account *row_out);
enum store_status directory_admin_domain(struct store *store, struct span key, uint8_t *memory,
                                         struct directory_row_domain *row_out);
enum store_status directory_admin_alias(struct store *store, struct span key, uint8_t *memory,
                                        struct directory_row_alias *row_out);

/* `edit` sees what is under the key (false: nothing) and makes the row of it, in memory of its own;
 * false: nothing is changed, and STORE_BUSY is returned. */
struct directory_admin_row {
    enum directory_row_kind kind;
    struct directory_row_account account;
    struct directory_row_domain domain;
    struct directory_row_alias alias;
};
typedef bool directory_admin_edit(void *context, bool there, struct directory_admin_row *row);
/* With it goes a row of the audit log; NULL: none. It is read after `edit`. */
enum store_status directory_admin_change(struct store *store, enum directory_row_kind kind,
                                         struct span key, directory_admin_edit *edit, void *context,
                                         const struct store_audit *audit);
/* STORE_NONE: there is none. STORE_BUSY: `agree`, which may be NULL, does not agree to what is
 * there; it changes nothing in the row. */
enum store_status directory_admin_remove(struct store *store, enum directory_row_kind kind,
                                         struct span key, directory_admin_edit *agree,
                                         void *context, const struct store_audit *audit);
/* What tells a row from what it was before: changes with each of its values. */
enum { DIRECTORY_ADMIN_TAG = 32 };
void directory_admin_tag(const struct directory_admin_row *row,
                         char tag_out[DIRECTORY_ADMIN_TAG + 1]);
/* DIRECTORY_ASK_UPGRADE. STORE_NONE: its hash is another one by now. */
enum store_status directory_admin_upgrade(struct store *store,
                                          const struct directory_question *question);

#endif
