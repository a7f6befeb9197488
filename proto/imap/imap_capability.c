/* SPDX-License-Identifier: BSD-3-Clause */
#include "proto/imap/imap_server.h"

static const struct {
    const char *name;
    uint8_t states;
} capabilities[] = {
#define CAPABILITY(NAME, name, states) {name, states},
#include "proto/imap/imap_capability.def"
#undef CAPABILITY
};

void imap_server_put_capabilities(const struct imap_server_options *options, unsigned state,
                                  struct writer *w)
{
    struct span left = options->mechanisms, name;

    for (size_t i = 0; i < sizeof(capabilities) / sizeof(capabilities[0]); i++)
        if (capabilities[i].states & state) {
            writer_byte(w, ' ');
            writer_text(w, capabilities[i].name);
        }
    if (state != IMAP_STATE_NONAUTH) {
        /* RFC 7889 section 3: a `number`, which has 32 bits. */
        writer_printf(w, " APPENDLIMIT=%llu",
                      (unsigned long long)imap_server_append_limit(options));
        return;
    }
    if (options->starttls)
        writer_text(w, " STARTTLS");
    if (!options->login) {
        writer_text(w, " LOGINDISABLED");
        return;
    }
    while (left.len) {
        ptrdiff_t end;

        left = span_skip(left, 1);
        end = span_find(left, ' ');
        name = span_head(left, end < 0 ? left.len : (size_t)end);
        writer_text(w, " AUTH=");
        writer_span_put(w, name);
        left = span_skip(left, name.len);
    }
}
