/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/tap/tap_sources.h"

#include <time.h>

#include "control/tap/tap_item.h"

enum { MOST = 128 * 1024, NAP_NS = 1000 * 1000 }; /* bytes of an event, at most */

static void on_event(void *context, const struct tap_event *event)
{
    struct tap_sink *s = context;

    while (atomic_load_explicit(s->closing, memory_order_relaxed) &&
           !tap_queue_has_room(s->queue, MOST))
        nanosleep(&(struct timespec){.tv_nsec = NAP_NS}, NULL);
    tap_item_put_event(s->queue, event);
}

static void *message_begin(void *context)
{
    return tap_extract_message(((struct tap_sink *)context)->extract);
}

static void message_end(void *context, void *message, bool whole)
{
    tap_extract_message_end(((struct tap_sink *)context)->extract, message, whole);
}

/* Read by another thread, soon. */
static bool secrets_more(void *context)
{
    tap_key_log_miss(((struct tap_sink *)context)->keylog);
    return false;
}

static bool make(struct tap_sources *s, uint32_t i, size_t queue,
                 const struct tap_settings *settings, struct tap_key_log *keylog)
{
    s->queues[i] = tap_queue_new(queue, (size_t)settings->messages * TAP_ITEM_MESSAGE);
    if (!s->queues[i])
        return false;
    s->sinks[i] = tap_item_sink(s->queues[i]);
    s->extracts[i] =
        tap_extract_new(settings->extract ? &s->sinks[i] : NULL, s->pieces, i * s->pieces);
    if (!s->extracts[i])
        return false;
    s->feeds[i] = (struct tap_sink){s->queues[i], s->extracts[i], &s->closing, keylog};
    s->sources[i] = (struct tap_source){
        .context = &s->feeds[i],
        .event = on_event,
        .message_begin = settings->extract ? message_begin : NULL,
        .message_bytes = tap_extract_bytes,
        .message_end = message_end,
        .digests = tap_extract_digests(s->extracts[i]),
        .secrets = keylog ? tap_key_log_secrets(keylog) : NULL,
        .secrets_more = secrets_more,
        .secrets_grow = true,
    };
    return tap_settings_source(settings, &s->sources[i]);
}

bool tap_sources_init(struct tap_sources *s, uint32_t workers, size_t queue,
                      const struct tap_settings *settings, struct tap_key_log *keylog)
{
    *s = (struct tap_sources){.count = workers, .pieces = 2 * settings->messages};
    for (uint32_t i = 0; i < workers; i++)
        if (!make(s, i, queue + (size_t)settings->messages * TAP_ITEM_MESSAGE, settings, keylog))
            return false;
    return true;
}

void tap_sources_close(struct tap_sources *s)
{
    atomic_store(&s->closing, true);
}

void tap_sources_fini(struct tap_sources *s)
{
    for (uint32_t i = 0; i < s->count; i++) {
        tap_extract_free(s->extracts[i]);
        tap_queue_free(s->queues[i]);
    }
}
