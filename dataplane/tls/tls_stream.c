/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/tls/tls_stream.h"

enum {
    WARNING = 1,
    FATAL = 2,
    CLIENT_HELLO = 1,
    NEW_SESSION_TICKET = 4,
    KEY_UPDATE = 24,
    MESSAGE_HEAD = 4, /* of a message of a handshake: its type, its length */
    KEY_SPARE = 16,   /* records of a key that are kept for its end */
};

bool tls_stream_init(struct tls_stream *s, struct tls_crypto *crypto, const struct tls_keys *keys)
{
    *s = (struct tls_stream){.alert = TLS_NO_ALERT};
    return tls_record_init(&s->record, crypto, keys);
}

bool tls_stream_init_client(struct tls_stream *s, struct tls_crypto *crypto,
                            const struct tls_keys *keys)
{
    bool ok = tls_stream_init(s, crypto, keys);

    s->client = true;
    return ok;
}

static bool is_tls13(const struct tls_stream *s)
{
    return s->record.version == TLS_VERSION_1_3;
}

static enum tls_event bad(struct tls_stream *s, enum tls_alert_number alert)
{
    s->alert = (uint8_t)alert;
    return TLS_EVENT_BAD;
}

/* struct { AlertLevel level; AlertDescription description; } Alert (RFC 8446 section 6) */
static enum tls_event on_alert(struct tls_stream *s, struct span content)
{
    if (content.len != 2)
        return bad(s, TLS_ALERT_DECODE_ERROR);
    if (content.data[1] == TLS_ALERT_CLOSE_NOTIFY)
        return TLS_EVENT_CLOSED;
    /* In TLS 1.3 the level says nothing: all but these are errors (section 6.2). */
    if (content.data[1] == TLS_ALERT_USER_CANCELED || (!is_tls13(s) && content.data[0] == WARNING))
        return TLS_EVENT_NONE;
    return TLS_EVENT_ALERT;
}

/*
 * struct { HandshakeType msg_type = key_update; uint24 length = 1; KeyUpdateRequest request; }
 * (RFC 8446 section 4.6.3). It is the only message of a handshake that may come to a server that
 * does not ask for certificates later, and the last of its record (section 5.1).
 */
static enum tls_event on_key_update(struct tls_stream *s, struct tls_crypto *crypto,
                                    struct span content)
{
    static const uint8_t head[] = {KEY_UPDATE, 0, 0, 1};
    size_t len = span_head(content, TLS_KEY_UPDATE_LEN - s->message_len).len;

    memcpy(s->message + s->message_len, content.data, len);
    s->message_len += (uint8_t)len;
    if (memcmp(s->message, head, s->message_len < sizeof(head) ? s->message_len : sizeof(head)) !=
            0 ||
        len < content.len)
        return bad(s, TLS_ALERT_UNEXPECTED_MESSAGE);
    if (s->message_len < TLS_KEY_UPDATE_LEN)
        return TLS_EVENT_NONE;
    if (s->message[4] > 1)
        return bad(s, TLS_ALERT_ILLEGAL_PARAMETER);
    s->message_len = 0;
    s->update |= s->message[4];
    tls_record_update(&s->record, crypto, &s->record.read);
    return TLS_EVENT_NONE;
}

/*
 * struct { HandshakeType msg_type = new_session_ticket; uint24 length; ... } (RFC 8446 section
 * 4.6.1). Passes over the tickets at the front of *content, whole or in pieces: what they are good
 * for, the handshake's library has to say. False: one is too long.
 */
static bool pass_tickets(struct tls_stream *s, struct span *content)
{
    for (;;) {
        size_t n = span_head(*content, s->pass).len;

        s->pass -= (uint32_t)n;
        *content = span_skip(*content, n);
        if (s->pass || content->len == 0 ||
            (s->message_len ? s->message[0] : content->data[0]) != NEW_SESSION_TICKET)
            return true;
        n = span_head(*content, MESSAGE_HEAD - s->message_len).len;
        memcpy(s->message + s->message_len, content->data, n);
        s->message_len += (uint8_t)n;
        *content = span_skip(*content, n);
        if (s->message_len < MESSAGE_HEAD)
            return true;
        s->message_len = 0;
        s->pass = (uint32_t)(s->message[1] << 16 | s->message[2] << 8 | s->message[3]);
        if (s->pass > TLS_TICKET_MAX)
            return false;
    }
}

/* RFC 5746 section 5: whoever refuses to negotiate anew says so. */
static enum tls_event on_handshake(struct tls_stream *s, struct tls_crypto *crypto,
                                   struct span content)
{
    if (content.len == 0)
        return bad(s, TLS_ALERT_UNEXPECTED_MESSAGE);
    if (is_tls13(s) && s->client) {
        if (!pass_tickets(s, &content))
            return bad(s, TLS_ALERT_UNEXPECTED_MESSAGE);
        if (content.len == 0)
            return TLS_EVENT_NONE;
    }
    if (is_tls13(s))
        return on_key_update(s, crypto, content);
    return bad(s, content.data[0] == CLIENT_HELLO ? TLS_ALERT_NO_RENEGOTIATION
                                                  : TLS_ALERT_UNEXPECTED_MESSAGE);
}

static enum tls_event on_record(struct tls_stream *s, struct tls_crypto *crypto, uint8_t type,
                                struct span content)
{
    /* Nothing stands between the pieces of a message (RFC 8446 section 5.1). */
    if ((s->message_len || s->pass) && type != TLS_HANDSHAKE)
        return bad(s, TLS_ALERT_UNEXPECTED_MESSAGE);
    switch (type) {
    case TLS_APPLICATION_DATA:
        return content.len ? TLS_EVENT_DATA : TLS_EVENT_NONE;
    case TLS_ALERT:
        return on_alert(s, content);
    case TLS_HANDSHAKE:
        return on_handshake(s, crypto, content);
    default:
        return bad(s, TLS_ALERT_UNEXPECTED_MESSAGE);
    }
}

static enum tls_alert_number alert_for(enum tls_opened why)
{
    return why == TLS_TOO_LONG ? TLS_ALERT_RECORD_OVERFLOW
           : why == TLS_FORGED ? TLS_ALERT_BAD_RECORD_MAC
                               : TLS_ALERT_UNEXPECTED_MESSAGE;
}

enum tls_event tls_stream_open(struct tls_stream *s, struct tls_crypto *crypto, struct span record,
                               uint8_t *room, struct span *data_out)
{
    uint64_t serial = s->record.read.serial;
    enum tls_opened opened;
    enum tls_event event;
    uint8_t type = 0;

    opened = tls_record_open(&s->record, crypto, record, room, &type, data_out);
    if (opened != TLS_OPENED)
        return bad(s, alert_for(opened));
    event = on_record(s, crypto, type, *data_out);
    if (event == TLS_EVENT_DATA)
        return event;
    *data_out = span_of(room, 0);
    if (event == TLS_EVENT_NONE && ++s->idle > TLS_IDLE_MAX)
        return bad(s, TLS_ALERT_UNEXPECTED_MESSAGE);
    /* With a new key its own count has begun. */
    if (s->record.read.serial == serial)
        tls_record_taken(&s->record);
    return event;
}

void tls_stream_taken(struct tls_stream *s)
{
    s->idle = 0;
    tls_record_taken(&s->record);
}

static size_t seal_update(struct tls_stream *s, struct tls_crypto *crypto, uint8_t *room)
{
    static const uint8_t message[TLS_KEY_UPDATE_LEN] = {KEY_UPDATE, 0, 0, 1, 0};
    size_t len =
        tls_record_seal(&s->record, crypto, TLS_HANDSHAKE, span_of(message, sizeof(message)), room);

    if (len == 0)
        return 0;
    tls_record_update(&s->record, crypto, &s->record.write);
    s->update = false;
    return len;
}

static bool key_is_worn(const struct tls_stream *s)
{
    return s->record.write.way.sequence >= TLS_RECORDS_A_KEY - KEY_SPARE;
}

/*
 * In TLS 1.0 who can choose what is said next could tell from a record what one before it had been,
 * since he knows the IV (BEAST): so the first octet goes in a record of its own, whose MAC makes
 * the next IV unknown.
 */
static bool is_split(const struct tls_stream *s, struct span data)
{
    return s->record.version == TLS_VERSION_1_0 && data.len > 1;
}

size_t tls_stream_seal(struct tls_stream *s, struct tls_crypto *crypto, struct span data,
                       uint8_t *room)
{
    size_t before = 0, len;

    if (s->ended)
        return 0;
    if (is_split(s, data)) {
        before = tls_stream_seal(s, crypto, span_head(data, 1), room);
        if (before == 0)
            return 0;
        data = span_skip(data, 1);
    }
    if (is_tls13(s) && (s->update || key_is_worn(s))) {
        before = seal_update(s, crypto, room);
        if (before == 0)
            return 0;
    } else if (key_is_worn(s)) {
        /* TLS 1.2 has no other key without a handshake. */
        return 0;
    }
    len = tls_record_seal(&s->record, crypto, TLS_APPLICATION_DATA, data, room + before);
    return len ? before + len : 0;
}

size_t tls_stream_end(struct tls_stream *s, struct tls_crypto *crypto, uint8_t *room)
{
    bool owed = s->alert != TLS_NO_ALERT;
    uint8_t number = owed ? s->alert : TLS_ALERT_CLOSE_NOTIFY;
    uint8_t level = owed && number != TLS_ALERT_NO_RENEGOTIATION ? FATAL : WARNING;
    const uint8_t alert[2] = {level, number};

    if (s->ended)
        return 0;
    s->ended = true;
    return tls_record_seal(&s->record, crypto, TLS_ALERT, span_of(alert, sizeof(alert)), room);
}
