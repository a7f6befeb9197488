/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef TESTS_CONTROL_STORE_FIXTURE_H
#define TESTS_CONTROL_STORE_FIXTURE_H

#include "control/store/store.h"

/* A message whose every byte follows from its number, so that what comes back can be told right
 * from wrong. */
struct store_fixture {
    struct message message;
    struct chunk *chunks; /* the body from row `rows_written` on */
    uint8_t *bytes;       /* the body, whole */
    char prefixes[MESSAGE_DELIVERIES][64];
};

struct id128 store_fixture_id(uint64_t number);
/* A body of `size` bytes of the message `number` at `out`. */
void store_fixture_bytes(uint64_t number, uint8_t *out, uint64_t size);
/* The prefix that delivery `delivery` of message `number` gets; at most 63 characters. */
void store_fixture_prefix(uint64_t number, uint32_t delivery, char *out);
/* Without deliveries; the first `rows` rows are left to store_fixture_write(). The body is cut into
 * chunks of `chunk` bytes. */
struct store_fixture *store_fixture_new(uint64_t number, uint64_t size, uint32_t rows,
                                        uint32_t chunk);
void store_fixture_free(struct store_fixture *f);
void store_fixture_to(struct store_fixture *f, uint64_t account, enum message_place place);
enum store_status store_fixture_write(struct store *store, struct store_fixture *f);
enum store_status store_fixture_commit(struct store *store, struct store_fixture *f);
/* True when what the store has under (mailbox, uid) is delivery `delivery` of the message `number`,
 * byte for byte. */
bool store_fixture_same(struct store *store, uint64_t mailbox, uint32_t uid, uint64_t number,
                        uint32_t delivery, uint64_t size);
uint64_t store_fixture_mailbox(struct store *store, uint64_t account, enum message_place place,
                               struct store_mailbox *mailbox_out);
uint64_t store_fixture_account(struct store *store, const char *name, uint64_t quota);

/* Chooses for this program: a first argument "memory" means the store in memory, which `folder`
 * says nothing to, none the one on disk. */
void store_fixture_choose(int argc, char **argv);
bool store_fixture_in_memory(void);
enum store_status store_fixture_open(const struct store_options *options, struct store **store_out,
                                     char *error);

/* A new folder under $TMPDIR or /tmp, and its end. */
char *store_fixture_folder(const char *name);
void store_fixture_remove(char *folder);

#endif
