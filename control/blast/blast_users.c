/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/blast/blast_users.h"

#include <stdio.h>
#include <stdlib.h>

enum { USERS = 1000000, ADDRESS = 320 };

bool blast_users_is_word(const char *text, size_t most)
{
    size_t n = strlen(text);

    for (size_t i = 0; i < n; i++)
        if (text[i] <= ' ' || text[i] > '~' || text[i] == '<' || text[i] == '>')
            return false;
    return n && n <= most;
}

/* "{A-B}" in a word; without it the whole word stands before. */
struct range {
    size_t before;
    const char *behind;
    unsigned long first, last;
};

static bool read_range(const char *word, struct range *r)
{
    const char *open = strchr(word, '{');
    char *end;

    *r = (struct range){.before = strlen(word), .behind = ""};
    if (!open)
        return true;
    r->before = (size_t)(open - word);
    r->first = strtoul(open + 1, &end, 10);
    if (end == open + 1 || *end != '-')
        return false;
    open = end;
    r->last = strtoul(open + 1, &end, 10);
    r->behind = end + 1;
    return end != open + 1 && *end == '}' && r->first <= r->last && r->last - r->first < USERS;
}

static bool add(struct span *users, uint32_t *count, const char *word, const struct range *r,
                unsigned long number)
{
    char number_text[24] = "", *text;
    int n;

    if (r->before != strlen(word))
        snprintf(number_text, sizeof(number_text), "%lu", number);
    n = asprintf(&text, "%.*s%s%s", (int)r->before, word, number_text, r->behind);
    if (n < 0)
        return false;
    if (*count == USERS || !blast_users_is_word(text, ADDRESS)) {
        free(text);
        return false;
    }
    users[(*count)++] = span_of(text, (size_t)n);
    return true;
}

static const char *address_of(const char *word)
{
    return word + (word[0] == '!');
}

struct span *blast_users_make(const char *const *words, uint32_t count, uint32_t again,
                              uint32_t *count_out)
{
    struct span *users = calloc((size_t)USERS + again, sizeof(*users));
    bool ok = users;

    *count_out = 0;
    for (uint32_t i = 0; ok && i < count; i++) {
        struct range r;

        ok = read_range(address_of(words[i]), &r);
        for (unsigned long n = r.first; ok && n <= r.last; n++)
            ok = add(users, count_out, address_of(words[i]), &r, n);
    }
    if (!ok) {
        blast_users_free(users, *count_out);
        *count_out = 0;
        return NULL;
    }
    for (uint32_t i = 0; i < again; i++)
        users[*count_out + i] = users[i % *count_out];
    return users;
}

bool blast_users_rejected(const char *const *words, uint32_t count, uint32_t again,
                          bool **rejected_out)
{
    bool *rejected = calloc((size_t)USERS + again, sizeof(*rejected)), any = false;
    uint32_t at = 0;

    *rejected_out = NULL;
    for (uint32_t i = 0; rejected && i < count; i++) {
        struct range r;

        read_range(address_of(words[i]), &r);
        any |= words[i][0] == '!';
        for (unsigned long n = r.first; n <= r.last; n++)
            rejected[at++] = words[i][0] == '!';
    }
    for (uint32_t i = 0; rejected && i < again; i++)
        rejected[at + i] = rejected[i % at];
    if (rejected && any)
        *rejected_out = rejected;
    else
        free(rejected);
    return rejected;
}

void blast_users_free(struct span *users, uint32_t count)
{
    for (uint32_t i = 0; users && i < count; i++)
        free((void *)users[i].data);
    free(users);
}
