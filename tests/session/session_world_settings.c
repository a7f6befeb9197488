/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/session/session_world.h"

#include "dataplane/handoff/gauge_table.h"
#include "dataplane/handoff/known_table.h"
#include "dataplane/handoff/window_table.h"

#include <stdlib.h>
#include <urcu-qsbr.h>

void world_put(struct world *w, const struct directory_entry *fields, const char *key)
{
    world_put_span(w, fields, span_text(key));
}

void world_put_span(struct world *w, const struct directory_entry *fields, struct span key)
{
    struct directory_entry e = *fields;

    e.version = 1;
    /* A writer is no reader (see directory.c). */
    if (w->sessions)
        rcu_unregister_thread();
    directory_put(w->settings.directory, &e, key);
    if (w->sessions)
        rcu_register_thread();
}

void world_put_address(struct world *w, const char *key, const uint64_t *ids, uint32_t count)
{
    static const char *const names[] = {"alice@example.test", "bob@example.test"};
    struct directory_account accounts[DIRECTORY_ACCOUNTS];

    for (uint32_t i = 0; i < count; i++)
        accounts[i] = (struct directory_account){
            .id = ids[i],
            .quarantine_score = INT32_MAX,
            .reject_score = INT32_MAX,
            .address = span_text(ids[i] >= 1 && ids[i] <= 2  ? names[ids[i] - 1]
                                 : ids[i] > 10 && count == 1 ? key
                                                             : "other@example.test")};
    world_put(w,
              &(struct directory_entry){
                  .kind = DIRECTORY_ADDRESS, .accounts = accounts, .account_count = count},
              key);
}

void world_publish(struct world *w)
{
    struct settings *copy = malloc(sizeof(*copy));

    w->settings.version++;
    *copy = w->settings;
    free(settings_publish(w->handoff, copy));
}

void world_settings(struct world *w, struct rule_generation *rules)
{
    w->settings = (struct settings){.hostname = "mx.example.test",
                                    .listener_count = 3,
                                    .listeners = {{.port = 25, .protocol = LISTENER_SMTP},
                                                  {.port = 110, .protocol = LISTENER_POP3},
                                                  {.port = 587, .protocol = LISTENER_SUBMISSION}},
                                    .message_size_max = 16 << 20,
                                    .recipients_max = 100,
                                    .errors_max = 10,
                                    .messages_max = 100,
                                    .command_timeout_ms = 300000,
                                    .data_timeout_ms = 180000,
                                    .line_timeout_ms = 30000,
                                    .message_timeout_ms = 3600000,
                                    .end_timeout_ms = 60000,
                                    .mime = MIME_LIMITS_DEFAULT,
                                    .pop3_idle_ms = 600000,
                                    .pop3_failures_max = 3,
                                    .submission_cleartext = true,
                                    .pop3_cleartext = true,
                                    .pop3_ahead = 65536,
                                    .pop3_ahead_all = 1 << 20,
                                    .sample = 1,
                                    .limits = {.window_ms = 60000,
                                               .prefix_v4 = 24,
                                               .prefix_v6 = 64,
                                               .gauges = gauge_table_new(64),
                                               .windows = window_table_new(1024, (uint8_t[16]){7})},
                                    .greylist = {.timeout_ms = 2000, .known = known_table_new(64)},
                                    .directory = directory_new(64),
                                    .mailboxes = mailbox_table_new(64),
                                    .rules = rules};
    world_put(w, &(struct directory_entry){.kind = DIRECTORY_DOMAIN, .detail_separator = '+'},
              "example.test");
    world_put_address(w, "alice@example.test", (uint64_t[]){1}, 1);
    world_put_address(w, "bob@example.test", (uint64_t[]){2}, 1);
    world_publish(w);
}
