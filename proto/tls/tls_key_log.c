/* SPDX-License-Identifier: BSD-3-Clause */
#include "proto/tls/tls_key_log.h"

static int digit_of(uint8_t c)
{
    if ((uint8_t)(c - '0') < 10)
        return c - '0';
    c = ascii_lower(c);
    return (uint8_t)(c - 'a') < 6 ? c - 'a' + 10 : -1;
}

/* Whole pairs of digits into room for so many bytes. */
static bool unhex(struct span text, uint8_t *out, size_t room)
{
    if (text.len % 2 || text.len / 2 > room)
        return false;
    for (size_t i = 0; i < text.len; i += 2) {
        int high = digit_of(text.data[i]), low = digit_of(text.data[i + 1]);

        if (high < 0 || low < 0)
            return false;
        out[i / 2] = (uint8_t)(high << 4 | low);
    }
    return true;
}

/* The word up to the next blank, which is passed over. */
static struct span word(struct span *line)
{
    ptrdiff_t end = span_find(*line, ' ');
    struct span w = span_head(*line, end < 0 ? line->len : (size_t)end);

    *line = span_skip(*line, w.len + (end >= 0));
    return w;
}

static int label_of(struct span name)
{
    static const char *const names[] = {
#define TLS_KEY_LOG_LABEL(label) #label,
#include "proto/tls/tls_key_log_label.def"
#undef TLS_KEY_LOG_LABEL
    };

    for (int i = 0; i < TLS_KEY_LOG_LABELS; i++)
        if (span_equal(name, span_text(names[i])))
            return i;
    return -1;
}

static enum tls_key_log_status read_line(struct span line, struct tls_key_log_entry *out)
{
    int label = label_of(word(&line));
    struct span random = word(&line), secret = word(&line);

    if (label < 0)
        return TLS_KEY_LOG_MORE;
    out->label = (enum tls_key_log_label)label;
    out->len = (uint8_t)(secret.len / 2);
    if (line.len || random.len != 2 * TLS_RANDOM || (out->len != 32 && out->len != 48) ||
        (label == TLS_KEY_LOG_CLIENT_RANDOM && out->len != 48))
        return TLS_KEY_LOG_BAD;
    return unhex(random, out->random, sizeof(out->random)) &&
                   unhex(secret, out->secret, sizeof(out->secret))
               ? TLS_KEY_LOG_ENTRY
               : TLS_KEY_LOG_BAD;
}

static void collect(struct tls_key_log *k, struct span bytes)
{
    size_t room = sizeof(k->line) - k->len;

    if (bytes.len > room)
        k->over = true;
    bytes = span_head(bytes, room);
    if (bytes.len)
        memcpy(k->line + k->len, bytes.data, bytes.len);
    k->len = (uint16_t)(k->len + bytes.len);
}

enum tls_key_log_status tls_key_log_next(struct tls_key_log *k, struct span *in,
                                         struct tls_key_log_entry *out)
{
    while (in->len) {
        ptrdiff_t end = span_find(*in, '\n');
        enum tls_key_log_status status = TLS_KEY_LOG_MORE;
        struct span line;

        collect(k, span_head(*in, end < 0 ? in->len : (size_t)end));
        *in = span_skip(*in, end < 0 ? in->len : (size_t)end + 1);
        if (end < 0)
            break;
        line = span_of(k->line, k->len);
        if (line.len && line.data[line.len - 1] == '\r')
            line.len--;
        if (!k->over)
            status = read_line(line, out);
        else if (label_of(word(&line)) >= 0)
            status = TLS_KEY_LOG_BAD;
        k->len = 0;
        k->over = false;
        if (status != TLS_KEY_LOG_MORE)
            return status;
    }
    return TLS_KEY_LOG_MORE;
}
