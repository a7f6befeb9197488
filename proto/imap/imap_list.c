/* SPDX-License-Identifier: BSD-3-Clause */
#include "proto/imap/imap_list.h"

#include "proto/imap/imap_status.h"

struct option {
    const char *word;
    uint8_t bit;
};

static const struct option selections[] = {
    {"SUBSCRIBED", IMAP_LIST_SELECT_SUBSCRIBED},
    {"REMOTE", IMAP_LIST_SELECT_REMOTE},
    {"RECURSIVEMATCH", IMAP_LIST_SELECT_RECURSIVE},
    {"SPECIAL-USE", IMAP_LIST_SELECT_SPECIAL_USE},
};

static const struct option returned[] = {
    {"SUBSCRIBED", IMAP_LIST_RETURN_SUBSCRIBED},
    {"CHILDREN", IMAP_LIST_RETURN_CHILDREN},
    {"SPECIAL-USE", IMAP_LIST_RETURN_SPECIAL_USE},
    {"STATUS", IMAP_LIST_RETURN_STATUS},
};

static uint8_t take_option(struct imap_cursor *c, const struct option *options, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (imap_cursor_take_word(c, options[i].word))
            return options[i].bit;
    imap_cursor_fail(c);
    return 0;
}

/*
 * list-select-opts = "(" [ (*(list-select-opt SP) list-select-base-opt *(SP list-select-opt)) /
 *                    (list-select-independent-opt *(SP list-select-independent-opt)) ] ")"
 *
 * That is: RECURSIVEMATCH needs one that selects, which REMOTE is not (RFC 5258 section 3.1).
 */
static void read_selection(struct imap_cursor *c, struct imap_list *list)
{
    const uint8_t base = IMAP_LIST_SELECT_SUBSCRIBED | IMAP_LIST_SELECT_SPECIAL_USE;
    bool first = true;

    imap_cursor_open(c);
    while (imap_cursor_item(c, &first))
        list->select |= take_option(c, selections, sizeof(selections) / sizeof(*selections));
    if ((list->select & IMAP_LIST_SELECT_RECURSIVE) && !(list->select & base))
        imap_cursor_fail(c);
    list->extended = true;
}

static void read_pattern(struct imap_cursor *c, struct imap_list *list)
{
    struct span pattern;

    if (!imap_cursor_list_mailbox(c, &pattern))
        return;
    if (list->count < IMAP_LIST_PATTERNS)
        list->patterns[list->count] = pattern;
    list->count++;
}

/* mbox-or-pat = list-mailbox / patterns; patterns = "(" list-mailbox *(SP list-mailbox) ")" */
static void read_patterns(struct imap_cursor *c, struct imap_list *list)
{
    bool first = true;

    if (!imap_cursor_peek(c, '(')) {
        read_pattern(c, list);
        return;
    }
    imap_cursor_open(c);
    while (imap_cursor_item(c, &first))
        read_pattern(c, list);
    if (list->count == 0)
        imap_cursor_fail(c);
    list->extended = true;
}

/*
 * list-return-opts = "RETURN" SP "(" [return-option *(SP return-option)] ")"
 * status-option = "STATUS" SP "(" status-att *(SP status-att) ")"            ; RFC 5819 section 4
 */
static void read_returns(struct imap_cursor *c, struct imap_list *list)
{
    bool first = true;

    imap_cursor_space(c);
    if (!imap_cursor_take_word(c, "RETURN"))
        imap_cursor_fail(c);
    imap_cursor_space(c);
    imap_cursor_open(c);
    while (imap_cursor_item(c, &first)) {
        uint8_t option = take_option(c, returned, sizeof(returned) / sizeof(*returned));

        list->returns |= option;
        if (option == IMAP_LIST_RETURN_STATUS) {
            imap_cursor_space(c);
            list->status |= imap_status_read(c);
        }
    }
    list->extended = true;
}

/* list = "LIST" [SP list-select-opts] SP mailbox SP mbox-or-pat [SP list-return-opts] */
bool imap_list_read(struct imap_cursor *c, struct imap_list *list_out)
{
    *list_out = (struct imap_list){.count = 0};
    if (imap_cursor_peek(c, '(')) {
        read_selection(c, list_out);
        imap_cursor_space(c);
    }
    imap_cursor_astring(c, &list_out->reference);
    imap_cursor_space(c);
    read_patterns(c, list_out);
    if (imap_cursor_peek(c, ' '))
        read_returns(c, list_out);
    return imap_cursor_done(c);
}

bool imap_list_read_lsub(struct imap_cursor *c, struct imap_list *list_out)
{
    *list_out = (struct imap_list){.count = 0};
    imap_cursor_astring(c, &list_out->reference);
    imap_cursor_space(c);
    read_pattern(c, list_out);
    return imap_cursor_done(c);
}
