/* SPDX-License-Identifier: BSD-3-Clause */
#include "proto/imap/imap_search.h"

#include "proto/imap/imap_date.h"
#include "proto/imap/imap_flag.h"

/* What stands behind a key. */
enum operand {
    OPERAND_NONE,
    OPERAND_FLAG, /* nothing */
    OPERAND_UNFLAG,
    OPERAND_KEYWORD, /* atom */
    OPERAND_UNKEYWORD,
    OPERAND_DATE,
    OPERAND_NUMBER,
    OPERAND_INTERVAL, /* nz-number */
    OPERAND_TEXT,     /* astring */
    OPERAND_HEADER,   /* two of them */
    OPERAND_SET,
    OPERAND_MODSEQ,
    OPERAND_OBJECT, /* objectid */
    OPERAND_KEYS,
};

static const struct key {
    const char *name;
    uint8_t operand;
    uint8_t kind;
    const char *value;
} keys[] = {
#define KEY(NAME, name, operand, node, value) {name, OPERAND_##operand, IMAP_SEARCH_##node, value},
#include "proto/imap/imap_search_key.def"
#undef KEY
};

struct imap_search imap_search_of(struct imap_search_node *nodes, uint32_t cap,
                                  struct imap_range *ranges, uint32_t range_cap)
{
    return (struct imap_search){
        .nodes = nodes, .cap = cap, .ranges = ranges, .range_cap = range_cap};
}

/* A new node without operands, or NULL and bad. */
static struct imap_search_node *add(struct imap_cursor *c, struct imap_search *s, unsigned kind)
{
    struct imap_search_node *node = &s->nodes[s->count];

    if (c->bad || s->count == s->cap) {
        (void)imap_cursor_fail(c);
        return NULL;
    }
    memset(node, 0, sizeof(*node));
    node->kind = (uint8_t)kind;
    node->end = ++s->count;
    s->kinds |= 1u << kind;
    return node;
}

static bool read_set(struct imap_cursor *c, struct imap_search *s, unsigned kind)
{
    struct imap_search_node *node = add(c, s, kind);

    if (!node)
        return false;
    node->set = imap_set_of(s->ranges + s->range_count, s->range_cap - s->range_count);
    if (!imap_set_parse(c, &node->set))
        return false;
    node->set.cap = node->set.count;
    s->range_count += node->set.count;
    return true;
}

/* search-modsequence = "MODSEQ" [SP entry-name SP entry-type-req] SP mod-sequence-valzer */
static bool read_modseq(struct imap_cursor *c, struct imap_search_node *node)
{
    struct span entry;

    if (imap_cursor_peek(c, '"')) {
        if (!imap_cursor_string(c, &entry) || !imap_cursor_space(c))
            return false;
        if (!imap_cursor_take_word(c, "priv") && !imap_cursor_take_word(c, "shared") &&
            !imap_cursor_take_word(c, "all"))
            return imap_cursor_fail(c);
        (void)imap_cursor_space(c);
    }
    return imap_cursor_number64(c, &node->number);
}

static bool read_interval(struct imap_cursor *c, struct imap_search_node *node)
{
    uint32_t seconds = 0;
    bool ok = imap_cursor_nz_number(c, &seconds);

    node->number = seconds;
    return ok;
}

static bool read_header(struct imap_cursor *c, struct imap_search_node *node)
{
    return imap_cursor_astring(c, &node->name) && imap_cursor_space(c) &&
           imap_cursor_astring(c, &node->text);
}

/* A key that is not made of others; its name and, if an operand follows, the blank are read. */
static bool read_leaf(struct imap_cursor *c, struct imap_search *s, const struct key *key)
{
    bool inverted = key->operand == OPERAND_UNFLAG || key->operand == OPERAND_UNKEYWORD;
    struct imap_search_node *outer = inverted ? add(c, s, IMAP_SEARCH_NOT) : NULL, *node;

    if (key->operand == OPERAND_SET)
        return read_set(c, s, key->kind);
    node = add(c, s, key->kind);
    if (!node)
        return false;
    if (outer)
        outer->end = s->count;
    node->flag = (uint8_t)imap_flag_of(span_text(key->value));
    switch (key->operand) {
    case OPERAND_KEYWORD:
    case OPERAND_UNKEYWORD:
    case OPERAND_OBJECT:
        return imap_cursor_atom(c, &node->text);
    case OPERAND_DATE:
        return imap_cursor_date(c, &node->days);
    case OPERAND_NUMBER:
        return imap_cursor_number64(c, &node->number);
    case OPERAND_INTERVAL:
        return read_interval(c, node);
    case OPERAND_TEXT:
        node->name = span_text(key->value);
        return imap_cursor_astring(c, &node->text);
    case OPERAND_HEADER:
        return read_header(c, node);
    case OPERAND_MODSEQ:
        return read_modseq(c, node);
    default:
        return true;
    }
}

static bool read_key(struct imap_cursor *c, struct imap_search *s, unsigned depth);

/* NOT or OR: `count` keys, each with a blank before it. */
static bool read_operands(struct imap_cursor *c, struct imap_search *s, unsigned kind,
                          unsigned depth)
{
    struct imap_search_node *node = add(c, s, kind);

    if (!node)
        return false;
    for (unsigned i = 0; i < (kind == IMAP_SEARCH_OR ? 2 : 1); i++)
        if (!imap_cursor_space(c) || !read_key(c, s, depth + 1))
            return false;
    node->end = s->count;
    return true;
}

static bool read_list(struct imap_cursor *c, struct imap_search *s, unsigned depth)
{
    struct imap_search_node *node = add(c, s, IMAP_SEARCH_AND);
    bool first = true;

    if (!node || !imap_cursor_open(c))
        return false;
    while (imap_cursor_item(c, &first))
        (void)read_key(c, s, depth + 1);
    if (first)
        return imap_cursor_fail(c);
    node->end = s->count;
    return !c->bad;
}

static bool starts_set(const struct imap_cursor *c)
{
    return imap_cursor_peek(c, '*') || imap_cursor_peek(c, '$') ||
           (!c->bad && c->at < c->end && (uint8_t)(*c->at - '0') < 10);
}

/* search-key = "ALL" / ... / sequence-set / "(" search-key *(SP search-key) ")" */
static bool read_key(struct imap_cursor *c, struct imap_search *s, unsigned depth)
{
    struct span name;

    if (depth > IMAP_SEARCH_DEPTH)
        return imap_cursor_fail(c);
    if (imap_cursor_peek(c, '('))
        return read_list(c, s, depth);
    if (starts_set(c))
        return read_set(c, s, IMAP_SEARCH_SEQUENCE);
    if (!imap_cursor_atom(c, &name))
        return false;
    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
        if (!span_equal_nocase(name, span_text(keys[i].name)))
            continue;
        if (keys[i].operand == OPERAND_KEYS)
            return read_operands(c, s, keys[i].kind, depth);
        if (keys[i].operand > OPERAND_UNFLAG && !imap_cursor_space(c))
            return false;
        return read_leaf(c, s, &keys[i]);
    }
    return imap_cursor_fail(c);
}

bool imap_search_parse_keys(struct imap_cursor *c, struct imap_search *search)
{
    struct imap_search_node *all = add(c, search, IMAP_SEARCH_AND);

    if (!all)
        return false;
    do
        (void)read_key(c, search, 1);
    while (imap_cursor_take_byte(c, ' '));
    all->end = search->count;
    return imap_cursor_done(c);
}

bool imap_search_parse_return(struct imap_cursor *c, struct imap_search *search)
{
    static const char *const options[] = {"MIN", "MAX", "ALL", "COUNT", "SAVE"};
    bool first = true;

    if (!imap_cursor_take_word(c, "RETURN"))
        return !c->bad;
    search->extended = true;
    if (!imap_cursor_space(c) || !imap_cursor_open(c))
        return false;
    while (imap_cursor_item(c, &first)) {
        unsigned i = 0;

        while (i < 5 && !imap_cursor_take_word(c, options[i]))
            i++;
        if (i == 5)
            return imap_cursor_fail(c);
        search->wanted |= (uint8_t)(1u << i);
    }
    if (search->wanted == 0)
        search->wanted = IMAP_RETURN_ALL;
    return imap_cursor_space(c);
}

bool imap_search_parse(struct imap_cursor *c, struct imap_search *search)
{
    if (!imap_search_parse_return(c, search))
        return false;
    if (imap_cursor_take_word(c, "CHARSET") &&
        !(imap_cursor_space(c) && imap_cursor_astring(c, &search->charset) && imap_cursor_space(c)))
        return false;
    return imap_search_parse_keys(c, search);
}

void imap_search_resolve(struct imap_search *search, uint32_t largest_sequence,
                         uint32_t largest_uid, const struct imap_set *saved)
{
    for (uint32_t i = 0; i < search->count; i++) {
        struct imap_search_node *node = &search->nodes[i];

        if (node->kind != IMAP_SEARCH_SEQUENCE && node->kind != IMAP_SEARCH_UID)
            continue;
        if (node->set.saved) {
            node->set = *saved;
            node->kind = IMAP_SEARCH_UID;
        } else {
            imap_set_resolve(&node->set,
                             node->kind == IMAP_SEARCH_UID ? largest_uid : largest_sequence);
        }
    }
}

/* One judgement on the way. */
struct judging {
    const struct imap_search *search;
    enum imap_search_result (*judge)(void *context, const struct imap_search_node *node);
    void *context;
};

static enum imap_search_result judge_node(const struct judging *j, uint32_t at);

static enum imap_search_result invert(enum imap_search_result r)
{
    return r == IMAP_SEARCH_UNKNOWN ? r : r == IMAP_SEARCH_YES ? IMAP_SEARCH_NO : IMAP_SEARCH_YES;
}

/* The operands until one decides; what is not known decides nothing. */
static enum imap_search_result judge_operands(const struct judging *j, uint32_t at,
                                              enum imap_search_result decides)
{
    enum imap_search_result result = invert(decides);
    uint32_t end = j->search->nodes[at].end;

    for (at++; at < end; at = j->search->nodes[at].end) {
        enum imap_search_result one = judge_node(j, at);

        if (one == decides)
            return one;
        if (one == IMAP_SEARCH_UNKNOWN)
            result = one;
    }
    return result;
}

static enum imap_search_result judge_node(const struct judging *j, uint32_t at)
{
    const struct imap_search_node *node = &j->search->nodes[at];

    switch (node->kind) {
    case IMAP_SEARCH_AND:
        return judge_operands(j, at, IMAP_SEARCH_NO);
    case IMAP_SEARCH_OR:
        return judge_operands(j, at, IMAP_SEARCH_YES);
    case IMAP_SEARCH_NOT:
        return invert(judge_node(j, at + 1));
    case IMAP_SEARCH_ALL:
        return IMAP_SEARCH_YES;
    default:
        return j->judge(j->context, node);
    }
}

enum imap_search_result imap_search_judge(
    const struct imap_search *search,
    enum imap_search_result (*judge)(void *context, const struct imap_search_node *node),
    void *context)
{
    struct judging j = {.search = search, .judge = judge, .context = context};

    return judge_node(&j, 0);
}

static bool by_day(unsigned how, int32_t day, int32_t wanted)
{
    return how == 0 ? day < wanted : how == 1 ? day == wanted : day >= wanted;
}

static bool holds(const struct imap_search_node *n, const struct imap_search_facts *f)
{
    switch (n->kind) {
    case IMAP_SEARCH_SEQUENCE:
        return imap_set_contains(&n->set, f->sequence);
    case IMAP_SEARCH_UID:
        return imap_set_contains(&n->set, f->uid);
    case IMAP_SEARCH_FLAG:
        return f->flags & n->flag;
    case IMAP_SEARCH_NEW:
        return (f->flags & (IMAP_FLAG_RECENT | IMAP_FLAG_SEEN)) == IMAP_FLAG_RECENT;
    case IMAP_SEARCH_BEFORE:
    case IMAP_SEARCH_ON:
    case IMAP_SEARCH_SINCE:
        return by_day(n->kind - IMAP_SEARCH_BEFORE, imap_date_day_of(f->internal_date, f->zone),
                      n->days);
    case IMAP_SEARCH_SENTBEFORE:
    case IMAP_SEARCH_SENTON:
    case IMAP_SEARCH_SENTSINCE:
        return f->sent && by_day(n->kind - IMAP_SEARCH_SENTBEFORE, f->sent_days, n->days);
    case IMAP_SEARCH_SAVEDBEFORE:
    case IMAP_SEARCH_SAVEDON:
    case IMAP_SEARCH_SAVEDSINCE:
        return f->saved && by_day(n->kind - IMAP_SEARCH_SAVEDBEFORE,
                                  imap_date_day_of(f->save_date, 0), n->days);
    case IMAP_SEARCH_LARGER:
        return f->size > n->number;
    case IMAP_SEARCH_SMALLER:
        return f->size < n->number;
    case IMAP_SEARCH_OLDER:
        return f->internal_date <= f->now - (int64_t)n->number;
    case IMAP_SEARCH_YOUNGER:
        return f->internal_date >= f->now - (int64_t)n->number;
    default:
        return f->modseq >= n->number;
    }
}

enum imap_search_result imap_search_by_facts(const struct imap_search_node *node,
                                             const struct imap_search_facts *facts)
{
    switch (node->kind) {
    case IMAP_SEARCH_KEYWORD:
    case IMAP_SEARCH_HEADER:
    case IMAP_SEARCH_BODY:
    case IMAP_SEARCH_TEXT:
    case IMAP_SEARCH_EMAILID:
    case IMAP_SEARCH_THREADID:
        return IMAP_SEARCH_UNKNOWN;
    default:
        return holds(node, facts) ? IMAP_SEARCH_YES : IMAP_SEARCH_NO;
    }
}
