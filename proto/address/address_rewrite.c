/* SPDX-License-Identifier: BSD-3-Clause */
#include "proto/address/address_rewrite.h"

#include "proto/address/address_list.h"
#include "proto/base/ascii.h"

enum state {
    STATE_LINE,  /* a line of the header begins, or its name is being read */
    STATE_PASS,  /* the rest of a line that is not held */
    STATE_HOLD,  /* of one that is */
    STATE_FOLD,  /* the next line begins: does the field go on? */
    STATE_GIVE,  /* the field is whole, and is given out changed */
    STATE_FLUSH, /* what is held is given out as it is, a line begins */
    STATE_BODY,
};

enum { NAME_MAX_OCTETS = 32, LINE_MAX_OCTETS = 998 }; /* RFC 5322 section 2.1.1 */

static const struct {
    const char *name;
    bool recipient;
} fields[] = {
    {"from", false},
    {"sender", false},
    {"reply-to", false},
    {"resent-from", false},
    {"resent-sender", false},
    {"resent-reply-to", false},
    {"to", true},
    {"cc", true},
    {"resent-to", true},
    {"resent-cc", true},
};
enum { FIELDS = sizeof(fields) / sizeof(fields[0]) };

void address_rewrite_init(struct address_rewrite *r)
{
    memset(r, 0, offsetof(struct address_rewrite, piece));
    r->state = STATE_LINE;
}

static bool is_blank(uint8_t c)
{
    return c == ' ' || c == '\t';
}

static struct span held(const struct address_rewrite *r)
{
    return span_of(r->held, r->held_len);
}

/* The name that is held, without blanks behind it (RFC 5322 section 4.5). */
static struct span name_of(const struct address_rewrite *r, size_t len)
{
    struct span name = span_of(r->held, len);

    while (name.len && is_blank(name.data[name.len - 1]))
        name.len--;
    return name;
}

/* The field of that name; FIELDS: none is. */
static size_t field_of(struct span name)
{
    size_t i = 0;

    while (i < FIELDS && !span_equal_nocase(name, span_text(fields[i].name)))
        i++;
    return i;
}

/* What is held may still become one of the names. */
static bool may_be_named(const struct address_rewrite *r)
{
    struct span name = name_of(r, r->held_len);

    if (field_of(name) < FIELDS)
        return true;
    for (size_t i = 0; name.len == r->held_len && i < FIELDS; i++)
        if (span_equal_nocase(name, span_head(span_text(fields[i].name), name.len)))
            return true;
    return false;
}

/* Gives out what is held; the line goes on, or the next begins. */
static struct span release(struct address_rewrite *r, enum state next)
{
    struct span all = held(r);

    r->held_len = 0;
    r->state = (uint8_t)next;
    return all;
}

/* ---- a field that is whole ---- */

/* Counts octets of the lines that come out; false: one is too long. */
struct lines {
    size_t column;
    bool fit;
};

static void count_lines(struct lines *l, struct span bytes)
{
    for (size_t i = 0; i < bytes.len; i++) {
        l->column = bytes.data[i] == '\n' ? 0 : l->column + 1;
        l->fit = l->fit && l->column <= LINE_MAX_OCTETS + 1; /* CR */
    }
}

/* Where the address stands in the list gets another: its octets are in `piece`. */
static bool replace(struct address_rewrite *r, const struct address_rewrite_user *user,
                    struct span mailbox, bool *read_out)
{
    struct writer w = writer_of(r->piece, sizeof(r->piece));
    struct address address;

    *read_out = address_mailbox(mailbox, ADDRESS_ALLOW_UTF8, &address) == ADDRESS_OK;
    if (!*read_out ||
        !user->map(user->context,
                   r->recipient ? ADDRESS_MAP_HEADER_RECIPIENT : ADDRESS_MAP_HEADER_SENDER,
                   &address, &w))
        return false;
    r->piece_len = (uint16_t)w.len;
    return true;
}

/* How the field would come out. */
struct outcome {
    struct lines lines;
    size_t before, after; /* octets of what is replaced */
    uint32_t changed, unread;
    bool bad;
};

static struct outcome try_field(struct address_rewrite *r, const struct address_rewrite_user *user)
{
    struct outcome o = {.lines = {.fit = true}};
    struct span list = span_skip(held(r), r->colon + 1), from = held(r), mailbox;
    enum address_list_status status;

    while ((status = address_list_next(&list, &mailbox)) == ADDRESS_LIST_NEXT) {
        bool read, other = replace(r, user, mailbox, &read);

        o.unread += !read;
        if (!other)
            continue;
        count_lines(&o.lines, span_between(from.data, mailbox.data));
        count_lines(&o.lines, span_of(r->piece, r->piece_len));
        from = span_skip(held(r), (size_t)(mailbox.data + mailbox.len - r->held));
        o.before += mailbox.len;
        o.after += r->piece_len;
        o.changed++;
    }
    count_lines(&o.lines, from);
    o.bad = status == ADDRESS_LIST_BAD;
    return o;
}

/* Decides what becomes of it. */
static void conclude(struct address_rewrite *r, const struct address_rewrite_user *user)
{
    struct outcome o = try_field(r, user);
    size_t growth = o.after > o.before ? o.after - o.before : 0;
    struct span value = span_skip(held(r), r->colon + 1);

    r->state = STATE_FLUSH;
    if (o.bad) {
        r->left++;
        return;
    }
    r->left += o.unread;
    if (!o.changed)
        return;
    if (!o.lines.fit || growth > ADDRESS_REWRITE_GROWTH - r->grown ||
        !user->changes(user->context, name_of(r, r->colon), value)) {
        r->left++;
        return;
    }
    r->grown += (uint32_t)growth;
    r->changed += o.changed;
    r->rest = held(r);
    r->list = value;
    r->state = STATE_GIVE;
}

/* The next piece of the field as it comes out; the last one empties it. */
static struct span give(struct address_rewrite *r, const struct address_rewrite_user *user)
{
    struct span mailbox, out;
    bool read;

    if (r->pending) {
        r->pending = false;
        return span_of(r->piece, r->piece_len);
    }
    while (address_list_next(&r->list, &mailbox) == ADDRESS_LIST_NEXT) {
        if (!replace(r, user, mailbox, &read))
            continue;
        out = span_between(r->rest.data, mailbox.data);
        r->rest = span_skip(r->rest, out.len + mailbox.len);
        r->pending = true;
        return out;
    }
    out = r->rest;
    r->held_len = 0;
    r->state = STATE_LINE;
    return out;
}

/* ---- the stream ---- */

/* The next byte of a line whose name is not known yet. */
static struct span take_name(struct address_rewrite *r, struct span *in)
{
    uint8_t c = in->data[0];
    size_t field;

    if (r->held_len == 0 && (is_blank(c) || c == '\r' || c == '\n')) {
        /* The field before goes on, or the header ends. */
        r->state = is_blank(c) ? STATE_PASS : STATE_BODY;
        return span_of(NULL, 0);
    }
    if (c == ':') {
        field = field_of(name_of(r, r->held_len));
        if (field == FIELDS)
            return release(r, STATE_PASS);
        r->recipient = fields[field].recipient;
        r->colon = r->held_len;
        r->state = STATE_HOLD;
        return span_of(NULL, 0);
    }
    if (r->held_len == NAME_MAX_OCTETS)
        return release(r, STATE_PASS);
    r->held[r->held_len++] = c;
    *in = span_skip(*in, 1);
    return may_be_named(r) ? span_of(NULL, 0) : release(r, STATE_PASS);
}

/* The input up to the end of the line, that included. */
static struct span take_line(struct span *in, size_t most, bool *ends_out)
{
    ptrdiff_t end = span_find(*in, '\n');
    struct span line = span_head(end < 0 ? *in : span_head(*in, (size_t)end + 1), most);

    *ends_out = line.len && line.data[line.len - 1] == '\n';
    *in = span_skip(*in, line.len);
    return line;
}

static struct span take_pass(struct address_rewrite *r, struct span *in)
{
    bool ends;
    struct span line = take_line(in, in->len, &ends);

    if (ends)
        r->state = STATE_LINE;
    return line;
}

static struct span take_hold(struct address_rewrite *r, struct span *in)
{
    bool ends;
    struct span line = take_line(in, ADDRESS_REWRITE_HELD - r->held_len, &ends);

    if (line.len == 0) {
        /* As far as it has come; the rest passes. */
        r->left++;
        return release(r, STATE_PASS);
    }
    memcpy(r->held + r->held_len, line.data, line.len);
    r->held_len += (uint32_t)line.len;
    if (ends)
        r->state = STATE_FOLD;
    return span_of(NULL, 0);
}

struct span address_rewrite_take(struct address_rewrite *r, const struct address_rewrite_user *user,
                                 struct span *in)
{
    struct span out = {0};

    while (out.len == 0 && (in->len || r->state == STATE_GIVE || r->state == STATE_FLUSH)) {
        switch ((enum state)r->state) {
        case STATE_LINE:
            out = take_name(r, in);
            break;
        case STATE_PASS:
            out = take_pass(r, in);
            break;
        case STATE_HOLD:
            out = take_hold(r, in);
            break;
        case STATE_FOLD:
            if (is_blank(in->data[0]))
                r->state = STATE_HOLD;
            else
                conclude(r, user);
            break;
        case STATE_GIVE:
            out = give(r, user);
            break;
        case STATE_FLUSH:
            out = release(r, STATE_LINE);
            break;
        case STATE_BODY:
            out = *in;
            *in = span_skip(*in, in->len);
            break;
        }
    }
    return out;
}

struct span address_rewrite_finish(struct address_rewrite *r,
                                   const struct address_rewrite_user *user)
{
    struct span none = {0};

    if (r->state == STATE_HOLD || r->state == STATE_FOLD)
        conclude(r, user);
    if (r->state == STATE_LINE)
        return release(r, STATE_LINE);
    return address_rewrite_take(r, user, &none);
}
