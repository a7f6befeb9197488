/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef TESTS_CONTROL_STORE_SCENE_H
#define TESTS_CONTROL_STORE_SCENE_H

#include "tests/control/store_fixture.h"

/* store_check() finds no fault; else it is printed. */
bool store_scene_healthy(struct store *store);

/* A store of the chosen kind, on disk in a folder of its own, for one case. */
struct store_scene {
    char *folder;
    struct store *store;
};

/* Each checks that it came off. */
void store_scene_begin(struct store_scene *s, const char *name);
void store_scene_open(struct store_scene *s);
/* Closed and opened, as after a crash; one in memory goes on. */
void store_scene_reopen(struct store_scene *s);
/* It is healthy, closed and gone. */
void store_scene_end(struct store_scene *s);
/* Message `number` of `size` bytes to `place` of an account and, unless it is 0, to the inbox of a
 * `second`. */
enum store_status store_scene_send(struct store_scene *s, uint64_t number, uint64_t size,
                                   uint64_t account, enum message_place place, uint64_t second);

#endif
