/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/control/store_scene.h"

#include <stdio.h>

#include "tests/harness/check.h"

bool store_scene_healthy(struct store *store)
{
    struct store_health h;
    bool ok = store_check(store, &h) == STORE_OK && h.bad == 0 && h.bodiless == 0 &&
              h.orphans == 0 && h.counts == 0;

    if (!ok)
        printf("# bad %llu bodiless %llu orphans %llu counts %llu\n", (unsigned long long)h.bad,
               (unsigned long long)h.bodiless, (unsigned long long)h.orphans,
               (unsigned long long)h.counts);
    return ok;
}

void store_scene_begin(struct store_scene *s, const char *name)
{
    s->folder = store_fixture_folder(name);
    store_scene_open(s);
}

void store_scene_open(struct store_scene *s)
{
    struct store_options options = {.path = s->folder, .sync = false};
    char error[STORE_ERROR] = "";

    if (!CHECK(store_fixture_open(&options, &s->store, error) == STORE_OK))
        printf("# %s\n", error);
}

void store_scene_reopen(struct store_scene *s)
{
    if (store_fixture_in_memory())
        return;
    store_close(s->store);
    store_scene_open(s);
}

void store_scene_end(struct store_scene *s)
{
    CHECK(store_scene_healthy(s->store));
    store_close(s->store);
    store_fixture_remove(s->folder);
}

enum store_status store_scene_send(struct store_scene *s, uint64_t number, uint64_t size,
                                   uint64_t account, enum message_place place, uint64_t second)
{
    struct store_fixture *f = store_fixture_new(number, size, 0, 4096);
    enum store_status status;

    store_fixture_to(f, account, place);
    if (second)
        store_fixture_to(f, second, MESSAGE_INBOX);
    status = store_fixture_commit(s->store, f);
    store_fixture_free(f);
    return status;
}
