/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef TESTS_CONTROL_INDEX_SCENE_H
#define TESTS_CONTROL_INDEX_SCENE_H

#include "control/mail/mail_index.h"
#include "control/store/store_mailbox.h"
#include "tests/control/store_scene.h"

/* A store with one account and the search index beside it. */
struct index_scene {
    struct store_scene scene;
    char *folder; /* the index's */
    struct mail_index *index;
    uint64_t text_max, reserve;
    uint32_t files;
    uint64_t account, inbox;
    uint64_t messages;
};

void index_scene_begin(struct index_scene *x);
void index_scene_end(struct index_scene *x);
/* The index alone begins and ends. */
void index_scene_start(struct index_scene *x);
void index_scene_stop(struct index_scene *x);
/* False: it has not caught up after half a minute. */
bool index_scene_caught_up(struct index_scene *x);
/* A message into a mailbox; its UID. */
uint32_t index_scene_put(struct index_scene *x, uint64_t mailbox, struct span text);
void index_scene_expunge(struct index_scene *x, uint64_t mailbox, uint32_t uid);
uint32_t index_scene_copy(struct index_scene *x, uint64_t from, uint64_t to, uint32_t uid,
                          bool move);
/* What the index says of one message; MAIL_INDEX_UNKNOWN also when it does not answer. */
enum mail_index_answer index_scene_ask(struct index_scene *x, uint64_t mailbox, uint32_t uid,
                                       enum mail_grep_where where, const char *name,
                                       const char *needle);
/* What reading says. */
bool index_scene_read(struct index_scene *x, uint64_t mailbox, uint32_t uid,
                      enum mail_grep_where where, const char *name, const char *needle);
/* A counter of the index's. */
uint64_t index_scene_count(struct index_scene *x, const char *name);
/* The file of an account, or of the catalogue with 0; to be freed. */
char *index_scene_path(struct index_scene *x, uint64_t account);
/* How many rows a table of the account's has; the index is stopped. */
int64_t index_scene_rows(struct index_scene *x, const char *table);

#endif
