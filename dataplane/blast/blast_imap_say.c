/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/blast/blast_imap.h"

/* What IMAP sessions say (RFC 9051 section 6, of which all is in RFC 3501 too). */
void blast_imap_tag(struct blast_client *c, struct blast_session *s, enum blast_imap_step step)
{
    struct blast_imap *i = &s->imap;

    i->step = (uint8_t)step;
    i->wanted = i->came = 0;
    writer_byte(&c->scratch, 'a');
    writer_number(&c->scratch, ++i->tag);
    writer_byte(&c->scratch, ' ');
}

/* string = quoted; what must not stand in one was refused with the command line */
static void put_string(struct blast_client *c, struct span text)
{
    writer_byte(&c->scratch, '"');
    for (size_t i = 0; i < text.len; i++) {
        if (text.data[i] == '"' || text.data[i] == '\\')
            writer_byte(&c->scratch, '\\');
        writer_byte(&c->scratch, text.data[i]);
    }
    writer_byte(&c->scratch, '"');
}

void blast_imap_say(struct blast_client *c, struct blast_session *s, enum blast_imap_step step)
{
    static const char *const texts[BLAST_IMAP_STEPS] = {
        [BLAST_IMAP_starttls] = "STARTTLS", [BLAST_IMAP_capability] = "CAPABILITY",
        [BLAST_IMAP_login] = "LOGIN ",      [BLAST_IMAP_select] = "SELECT INBOX",
        [BLAST_IMAP_noop] = "NOOP",         [BLAST_IMAP_logout] = "LOGOUT",
        [BLAST_IMAP_idle] = "IDLE",
    };

    blast_imap_tag(c, s, step);
    writer_text(&c->scratch,
                step == BLAST_IMAP_select && s->verifies ? "EXAMINE INBOX" : texts[step]);
    if (step == BLAST_IMAP_login) {
        put_string(c, c->order->users[s->user]);
        writer_byte(&c->scratch, ' ');
        put_string(c, c->order->password);
    }
    writer_text(&c->scratch, "\r\n");
}

/* ---- messages that are there ---- */

/* Up to `most` messages next to each other, wherever they begin. */
static void put_set(struct blast_client *c, struct blast_session *s, uint32_t most)
{
    struct blast_imap *i = &s->imap;
    uint32_t n = most < i->count ? most : i->count;
    uint64_t first = 1 + chance_below(&i->chance, i->count - n + 1);

    i->wanted = n;
    writer_number(&c->scratch, first);
    if (n > 1) {
        writer_byte(&c->scratch, ':');
        writer_number(&c->scratch, first + n - 1);
    }
}

static void say_fetch(struct blast_client *c, struct blast_session *s, enum blast_imap_step step)
{
    const struct blast_order *o = c->order;

    blast_imap_tag(c, s, step);
    writer_text(&c->scratch, "FETCH ");
    put_set(c, s, s->verifies ? UINT32_MAX : step == BLAST_IMAP_read ? o->retrieve : o->fetch);
    writer_text(&c->scratch, step == BLAST_IMAP_read ? " (UID BODY.PEEK[])\r\n"
                             : step == BLAST_IMAP_headers
                                 ? " (UID BODY.PEEK[HEADER])\r\n"
                                 : " (UID FLAGS INTERNALDATE RFC822.SIZE ENVELOPE)\r\n");
}

void blast_imap_say_all(struct blast_client *c, struct blast_session *s)
{
    say_fetch(c, s, BLAST_IMAP_read);
}

static void say_store(struct blast_client *c, struct blast_session *s)
{
    blast_imap_tag(c, s, BLAST_IMAP_store);
    writer_text(&c->scratch, "STORE ");
    put_set(c, s, 1);
    writer_text(&c->scratch, chance_below(&s->imap.chance, 2) ? " +FLAGS (\\Flagged)\r\n"
                                                              : " -FLAGS (\\Flagged)\r\n");
}

static void say_search(struct blast_client *c, struct blast_session *s)
{
    static const char *const keys[] = {"UNSEEN", "FLAGGED", "SINCE 1-Jan-2010 LARGER 2000",
                                       "SUBJECT \"report\"", "FROM \"blast\""};

    blast_imap_tag(c, s, BLAST_IMAP_search);
    writer_text(&c->scratch, "SEARCH ");
    writer_text(&c->scratch, keys[chance_below(&s->imap.chance, sizeof(keys) / sizeof(keys[0]))]);
    writer_text(&c->scratch, "\r\n");
}

/* ---- a message of ours ---- */

/*
 * append = "APPEND" SP mailbox [SP flag-list] [SP date-time] SP literal. Its number says whose
 * mailbox it is for, as those of SMTP's do. False: there are no numbers left to read back.
 */
static bool say_append(struct blast_client *c, struct blast_session *s)
{
    const struct blast_order *o = c->order;
    struct blast_box *box = blast_imap_box(c, s);
    uint64_t number = (uint64_t)box->appended * o->user_count + s->user;
    uint8_t bytes[BLAST_HEAD];
    struct writer head = writer_of(bytes, sizeof(bytes));

    if (c->shared->ledger && number >= c->shared->ledger->size)
        return false;
    box->appended++;
    s->number = number;
    blast_head(&head, o, number);
    blast_imap_tag(c, s, BLAST_IMAP_append);
    writer_text(&c->scratch, "APPEND INBOX {");
    writer_number(&c->scratch, head.len + blast_text_of(o, number)->raw.len);
    writer_text(&c->scratch, c->literal_plus ? "+}\r\n" : "}\r\n");
    if (box->holder)
        box->mixed = true;
    else if (box->watchers)
        *box =
            (struct blast_box){.holder = s, .watchers = box->watchers, .appended = box->appended};
    return !c->literal_plus || blast_imap_message(c, s);
}

bool blast_imap_message(struct blast_client *c, struct blast_session *s)
{
    const struct blast_text *text = blast_text_of(c->order, s->number);
    struct blast_box *box = blast_imap_box(c, s);

    blast_head(&c->scratch, c->order, s->number);
    if (!blast_session_flush(c, s) || !blast_session_put(c, s, text->raw))
        return false;
    writer_text(&c->scratch, "\r\n");
    if (!blast_session_flush(c, s))
        return false;
    if (box->holder == s)
        box->at = c->now;
    s->sent = true;
    c->tally->counts.messages_sent++;
    if (c->shared->ledger)
        blast_ledger_sent(c->shared->ledger, s->number, 1);
    return true;
}

/* ---- the mix ---- */

static enum blast_imap_step draw(struct blast_client *c, struct blast_session *s)
{
    const uint32_t *weights = c->order->weights;
    uint64_t all = 0, at;
    int step = 0;

    for (int i = 0; i < BLAST_IMAP_ACTIONS; i++)
        all += weights[i];
    for (at = chance_below(&s->imap.chance, all); at >= weights[step]; step++)
        at -= weights[step];
    return (enum blast_imap_step)step;
}

void blast_imap_act(struct blast_client *c, struct blast_session *s)
{
    enum blast_imap_step step = draw(c, s);
    struct tcp_conn *conn = s->conn;

    if (step == BLAST_IMAP_append && say_append(c, s))
        return;
    if (s->conn != conn)
        return;
    if (step == BLAST_IMAP_search)
        say_search(c, s);
    else if (step == BLAST_IMAP_idle)
        blast_imap_say(c, s, BLAST_IMAP_idle);
    else if (step == BLAST_IMAP_append || !s->imap.count)
        blast_imap_say(c, s, BLAST_IMAP_noop);
    else if (step == BLAST_IMAP_store)
        say_store(c, s);
    else
        say_fetch(c, s, step);
}
