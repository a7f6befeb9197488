/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef TESTS_CONTROL_MAILBOX_SCENE_H
#define TESTS_CONTROL_MAILBOX_SCENE_H

#include "control/store/store_mailbox.h"
#include "proto/base/writer.h"
#include "tests/control/store_scene.h"

/* A store with one account that has an inbox and a folder, and what tests ask of it. */
struct mailbox_scene {
    struct store_scene scene;
    uint64_t alice, inbox, folder;
};

void mailbox_scene_begin(struct mailbox_scene *s, uint64_t quota);
/* Messages `first` and the following ones, into the inbox. */
void mailbox_scene_deliver(struct mailbox_scene *s, uint64_t first, uint32_t count, uint64_t size);
/* One change; `operand` is the struct that its kind asks for. */
enum store_status mailbox_scene_apply(struct mailbox_scene *s, enum store_change_kind kind,
                                      void *operand);
/* Flags 0 and one keyword. */
enum store_status mailbox_scene_mark(struct mailbox_scene *s, uint32_t uid, const char *keyword);
/* Without what is valid during the call alone. */
struct store_mailbox mailbox_scene_show(struct mailbox_scene *s, uint64_t mailbox);
/* Adds a keyword to a list of them. */
struct span mailbox_scene_blob(struct writer *w, const char *keyword);

/* Entries as a text, "uid flags keyword keyword;", as far as there is room. */
struct mailbox_lines {
    char text[4096];
    size_t len;
    uint64_t modseq; /* the highest */
    uint32_t count;
};

struct mailbox_lines mailbox_scene_list(struct mailbox_scene *s, uint64_t mailbox, uint32_t from);
bool mailbox_scene_listed(struct mailbox_scene *s, uint64_t mailbox, const char *wanted);
/* Tombstones, "uid;". */
bool mailbox_scene_gone(struct mailbox_scene *s, uint64_t mailbox, uint64_t since,
                        const char *wanted);
/* What counts against the quota. */
uint64_t mailbox_scene_octets(struct mailbox_scene *s);

#endif
