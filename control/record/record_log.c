/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/record/record_log.h"

#include "control/log/log.h"

static const struct {
    const char *name, *text;
    enum log_level level;
} rows[LOG_MESSAGES] = {
#define LOG_MESSAGE(symbol, LEVEL, text_)                                                          \
    [LOG_MESSAGE_##symbol] = {.name = #symbol, .text = text_, .level = LOG_LEVEL_##LEVEL},
#include "dataplane/handoff/log_message.def"
#undef LOG_MESSAGE
};

static void put_client(struct writer *w, const struct ip_address *client,
                       const struct record_privacy *privacy)
{
    char text[IP_ADDRESS_TEXT], told[IP_ADDRESS_TEXT + RECORD_PRIVACY_ROOM];
    struct writer address = writer_of(text, sizeof(text)), out = writer_of(told, sizeof(told));

    ip_address_put(&address, client);
    if (record_privacy_text(privacy, RECORD_FIELD_client, writer_span(&address), &out))
        writer_span_put(w, writer_span(&out));
    else
        writer_text(w, "a client");
}

static void say(uint32_t worker, const struct worker_log_line *line,
                const struct record_privacy *privacy)
{
    static const char client[] = "{client}";
    const char *text = rows[line->message].text, *at = strstr(text, client);
    char whole[LOG_LINE_MAX];
    struct writer w = writer_of(whole, sizeof(whole));

    writer_span_put(&w, span_of(text, at ? (size_t)(at - text) : strlen(text)));
    if (at) {
        put_client(&w, &line->client, privacy);
        writer_text(&w, at + sizeof(client) - 1);
    }
    log_worker(rows[line->message].level, worker, rows[line->message].name, line->left_out,
               writer_span(&w));
}

uint32_t record_log_workers(struct handoff *handoff, const struct record_privacy *privacy)
{
    struct worker_log_line line;
    uint32_t n = 0;

    for (uint32_t i = 0; i < handoff_workers(handoff); i++)
        for (struct worker_log *log = handoff_log(handoff_port_of(handoff, i));
             worker_log_take(log, &line); n++)
            say(i, &line, privacy);
    return n;
}
