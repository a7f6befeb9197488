/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/blast/blast_words.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

enum kind { KIND_TEXT, KIND_NUMBER, KIND_LIST, KIND_FLAG, KIND_GROUP };

struct row {
    enum blast_words_who who;
    enum kind kind;
    const char *name;
    size_t at; /* in struct blast_words */
    uint64_t least, most;
    const char *argument, *text;
};

static const struct row rows[] = {
#define BLAST_GROUP(who, title) {BLAST_WORDS_##who, KIND_GROUP, title, 0, 0, 0, NULL, NULL},
#define BLAST_OPTION(who, name, field, kind, least, most, argument, text)                          \
    {BLAST_WORDS_##who, KIND_##kind, name, offsetof(struct blast_words, field), least, most,       \
     argument,          text},
#include "control/blast/blast_option.def"
#undef BLAST_OPTION
#undef BLAST_GROUP
};

enum { ROWS = sizeof(rows) / sizeof(rows[0]), COLUMN = 30 };

static const char *command_of(enum blast_words_who who)
{
    return who == BLAST_WORDS_S ? "sink" : "blast";
}

static bool complain(enum blast_words_who who, const char *what, const char *which)
{
    fprintf(stderr, "wirepost %s: %s: %s\n", command_of(who), which, what);
    return false;
}

bool blast_words_complain(const char *what, const char *which)
{
    fprintf(stderr, "wirepost blast: %s%s%s\n", which ? which : "", which ? ": " : "", what);
    return false;
}

/* The row for "--name" or "--name=value"; *value_out stands behind the sign, or is NULL. */
static const struct row *find(enum blast_words_who who, const char *word, const char **value_out)
{
    const char *sign = strchr(word, '=');
    size_t n = sign ? (size_t)(sign - word) : strlen(word);

    *value_out = sign ? sign + 1 : NULL;
    if (strncmp(word, "--", 2) != 0)
        return NULL;
    for (int i = 0; i < ROWS; i++)
        if (rows[i].kind != KIND_GROUP && rows[i].who & who && strlen(rows[i].name) == n - 2 &&
            strncmp(rows[i].name, word + 2, n - 2) == 0)
            return &rows[i];
    return NULL;
}

static bool take_number(enum blast_words_who who, const struct row *row, void *field,
                        const char *value)
{
    char why[96], *end;
    unsigned long long n;

    errno = 0;
    n = strtoull(value, &end, 10);
    if (value[0] >= '0' && value[0] <= '9' && !*end && !errno && n >= row->least &&
        n <= row->most) {
        *(uint64_t *)field = n;
        return true;
    }
    snprintf(why, sizeof(why), "expected a number from %llu to %llu",
             (unsigned long long)row->least, (unsigned long long)row->most);
    return complain(who, why, row->name);
}

static bool take(enum blast_words_who who, const struct row *row, struct blast_words *w,
                 const char *value)
{
    void *field = (char *)w + row->at;
    struct blast_words_list *list;

    switch (row->kind) {
    case KIND_TEXT:
        *(const char **)field = value;
        return true;
    case KIND_LIST:
        list = field;
        if (list->of_file)
            list->count = 0;
        list->of_file = false;
        if (list->count == BLAST_WORDS_LIST)
            return complain(who, "said too often", row->name);
        list->word[list->count++] = value;
        return true;
    default:
        return take_number(who, row, field, value);
    }
}

static const char *keep(struct blast_words *w, const char *text)
{
    if (w->kept_count == BLAST_WORDS_KEPT)
        return NULL;
    w->kept[w->kept_count] = strdup(text);
    return w->kept[w->kept_count++];
}

static bool take_flag(enum blast_words_who who, const struct row *row, struct blast_words *w,
                      const char *value)
{
    bool on = strcmp(value, "true") == 0;

    if (!on && strcmp(value, "false") != 0)
        return complain(who, "expected true or false", row->name);
    *(bool *)(void *)((char *)w + row->at) = on;
    return true;
}

bool blast_words_take(struct blast_words *w, enum blast_words_who who, const char *name,
                      const char *value)
{
    char word[64];
    const char *none;
    const struct row *row;
    bool ok;

    snprintf(word, sizeof(word), "--%s", name);
    row = find(who, word, &none);
    if (!row || none || strcmp(name, "config") == 0)
        return complain(who, "no such option; --help lists them", name);
    if (row->kind == KIND_FLAG)
        return take_flag(who, row, w, value);
    value = keep(w, value);
    if (!value)
        return complain(who, "more than fits", name);
    if (row->kind == KIND_LIST)
        ((struct blast_words_list *)(void *)((char *)w + row->at))->of_file = false;
    ok = take(who, row, w, value);
    if (row->kind == KIND_LIST)
        ((struct blast_words_list *)(void *)((char *)w + row->at))->of_file = true;
    return ok;
}

void blast_words_fini(struct blast_words *w)
{
    for (uint32_t i = 0; i < w->kept_count; i++)
        free(w->kept[i]);
    w->kept_count = 0;
}

/* What stands for another word. */
static const char *long_word(const char *word)
{
    if (strcmp(word, "-h") == 0)
        return "--help";
    return strcmp(word, "-c") == 0 ? "--config" : word;
}

/* The file that is named first comes first, wherever it is named. */
static bool read_file(struct blast_words *w, enum blast_words_who who, int count, char **word)
{
    for (int at = 0; at < count; at++) {
        const char *value;
        const struct row *row = find(who, long_word(word[at]), &value);

        if (!row || strcmp(row->name, "config") != 0)
            continue;
        value = value ? value : at + 1 < count ? word[at + 1] : NULL;
        return !value || blast_words_file(w, who, value);
    }
    return true;
}

bool blast_words_read(struct blast_words *w, enum blast_words_who who, int count, char **word)
{
    if (!read_file(w, who, count, word))
        return false;
    for (int at = 0; at < count; at++) {
        const char *value;
        const struct row *row = find(who, long_word(word[at]), &value);

        if (!row)
            return complain(who, "no such option; --help lists them", word[at]);
        if (row->kind != KIND_FLAG && !value && at + 1 == count)
            return complain(who, "expected something behind it", row->name);
        if (row->kind != KIND_FLAG && !value)
            value = word[++at];
        if (row->kind == KIND_FLAG ? !take_flag(who, row, w, value ? value : "true")
                                   : !take(who, row, w, value))
            return false;
    }
    return true;
}

void blast_words_help(enum blast_words_who who, FILE *out)
{
    for (int i = 0; i < ROWS; i++) {
        const struct row *row = &rows[i];
        int n;

        if (!(row->who & who))
            continue;
        if (row->kind == KIND_GROUP) {
            fprintf(out, "\n%s:\n", row->name);
            continue;
        }
        n = fprintf(out, "  --%s%s%s", row->name, row->argument ? " " : "",
                    row->argument ? row->argument : "");
        if (n >= COLUMN)
            n = fprintf(out, "\n") * 0;
        fprintf(out, "%*s%s\n", COLUMN - n, "", row->text);
    }
}

bool blast_words_bytes(const char *text, uint64_t *bytes_out)
{
    static const char units[] = "kMG";
    const char *unit;
    char *end;

    errno = 0;
    *bytes_out = strtoull(text, &end, 10);
    if (end == text || text[0] < '0' || text[0] > '9' || errno || *bytes_out > UINT64_MAX >> 32)
        return false;
    unit = *end ? strchr(units, *end) : NULL;
    if (!unit)
        return !*end;
    *bytes_out <<= 10 * (unit - units + 1);
    return !end[1];
}

bool blast_words_decimal(const char **text, double most, double *number_out)
{
    char *end;

    *number_out = strtod(*text, &end);
    if (**text < '0' || **text > '9' || strspn(*text, "0123456789.") != (size_t)(end - *text) ||
        *number_out > most)
        return false;
    *text = end;
    return true;
}
