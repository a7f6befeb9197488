/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/config/config_option.h"

#include <crypt.h>

#include "proto/address/address.h"
#include "proto/sasl/scram_keys.h"

enum { SCALE_MAX = 8, CONFIG_TEXT_MAX = 3840 };

/* The units that a number may have, smallest first; the first is what it is stored in. */
struct scale {
    const char *unit;
    int64_t factor;
};

static const struct scale sizes[SCALE_MAX] = {
    {"", 1}, {"KiB", 1 << 10}, {"MiB", 1 << 20}, {"GiB", 1 << 30}, {"TiB", INT64_C(1) << 40}};
static const struct scale durations[SCALE_MAX] = {{"us", 1},
                                                  {"ms", 1000},
                                                  {"s", 1000000},
                                                  {"m", 60 * INT64_C(1000000)},
                                                  {"h", 3600 * INT64_C(1000000)},
                                                  {"d", 86400 * INT64_C(1000000)}};
static const struct scale plain[SCALE_MAX] = {{"", 1}};

static const struct scale *scale_of(enum config_type type)
{
    return type == CONFIG_SIZE ? sizes : type == CONFIG_DURATION ? durations : plain;
}

static bool digit(uint8_t c)
{
    return (uint8_t)(c - '0') < 10;
}

/* Moves *s behind its digits. False: none there, or more than 63 bits. */
static bool take_digits(struct span *s, int64_t *number_out)
{
    int64_t n = 0;
    size_t i = 0;

    for (; i < s->len && digit(s->data[i]); i++) {
        if (n > (INT64_MAX - 9) / 10)
            return false;
        n = n * 10 + (s->data[i] - '0');
    }
    *s = span_skip(*s, i);
    *number_out = n;
    return i > 0;
}

/* number = 1*DIGIT unit */
static bool read_scaled(struct span s, enum config_type type, int64_t *number_out)
{
    const struct scale *scale = scale_of(type);
    int64_t n;

    if (!take_digits(&s, &n))
        return false;
    for (int i = 0; i < SCALE_MAX && scale[i].unit; i++) {
        if (!span_equal(s, span_text(scale[i].unit)))
            continue;
        if (n > INT64_MAX / scale[i].factor)
            return false;
        *number_out = n * scale[i].factor;
        return true;
    }
    return false;
}

/* score = ["-"] 1*DIGIT ["." 1*3DIGIT] */
static bool read_score(struct span s, int64_t *number_out)
{
    bool negative = s.len && s.data[0] == '-';
    int64_t whole, part = 0;

    s = span_skip(s, negative);
    if (!take_digits(&s, &whole) || whole > INT32_MAX)
        return false;
    if (s.len) {
        size_t digits = s.len - 1;

        if (s.data[0] != '.' || digits == 0 || digits > 3)
            return false;
        s = span_skip(s, 1);
        if (!take_digits(&s, &part) || s.len)
            return false;
        for (; digits < 3; digits++)
            part *= 10;
    }
    *number_out = (whole * 1000 + part) * (negative ? -1 : 1);
    return true;
}

static bool read_number(const struct config_option *option, struct span s, int64_t *number_out)
{
    int64_t n;

    if (option->words[0] && span_equal(s, span_text(option->words))) {
        *number_out = option->type == CONFIG_SCORE ? CONFIG_SCORE_OFF : 0;
        return true;
    }
    if (!(option->type == CONFIG_SCORE ? read_score(s, &n) : read_scaled(s, option->type, &n)))
        return false;
    if (n < option->min || n > option->max)
        return false;
    *number_out = n;
    return true;
}

static bool read_choice(const char *words, struct span s, int *choice_out)
{
    for (int i = 0;; i++) {
        size_t n = strcspn(words, "|");

        if (span_equal(s, span_of(words, n))) {
            *choice_out = i;
            return true;
        }
        if (!words[n])
            return false;
        words += n + 1;
    }
}

/* network = address "/" 1*DIGIT */
static bool read_network(struct span s, struct config_network *network_out)
{
    ptrdiff_t slash = span_find(s, '/');
    struct config_network network = {0};
    struct span bits;
    int64_t prefix;

    if (slash < 0 || !ip_address_parse(span_head(s, (size_t)slash), &network.address))
        return false;
    bits = span_skip(s, (size_t)slash + 1);
    if (!take_digits(&bits, &prefix) || bits.len ||
        prefix > (ip_address_is_v4(&network.address) ? 32 : 128))
        return false;
    network.prefix = (uint8_t)prefix;
    *network_out = network;
    return true;
}

bool config_cpus(const char *text, uint64_t bits_out[16])
{
    struct span s = span_text(text);

    memset(bits_out, 0, 16 * sizeof(uint64_t));
    do {
        int64_t first, last;

        if (!take_digits(&s, &first))
            return false;
        last = first;
        if (s.len && s.data[0] == '-') {
            s = span_skip(s, 1);
            if (!take_digits(&s, &last))
                return false;
        }
        if (first > last || last >= 1024 || (s.len && (s.data[0] != ',' || s.len == 1)))
            return false;
        for (int64_t cpu = first; cpu <= last; cpu++)
            bits_out[cpu / 64] |= UINT64_C(1) << (cpu % 64);
        s = span_skip(s, 1);
    } while (s.len);
    return true;
}

static bool domain_ok(struct span s)
{
    uint8_t key[ADDRESS_KEY_MAX];
    struct writer w = writer_of(key, sizeof(key));
    struct address a;

    return address_domain(s, ADDRESS_ALLOW_UTF8, &a) == ADDRESS_OK && a.kind == ADDRESS_DOMAIN &&
           address_key(&w, &a, true);
}

static bool mailbox_ok(struct span s)
{
    uint8_t key[ADDRESS_KEY_MAX];
    struct writer w = writer_of(key, sizeof(key));
    struct address a;

    return address_mailbox(s, ADDRESS_ALLOW_UTF8, &a) == ADDRESS_OK && a.kind == ADDRESS_DOMAIN &&
           address_key(&w, &a, true);
}

static bool name_ok(struct span s)
{
    for (size_t i = 0; i < s.len; i++) {
        uint8_t c = s.data[i];

        if (!digit(c) && (uint8_t)(ascii_lower(c) - 'a') >= 26 && c != '-' && c != '_' && c != '.')
            return false;
    }
    return true;
}

/*
 * hash = "$" method "$" setting "$" 22*char: a method that crypt() knows, and more than the setting
 * alone. The traditional DES hash is no use today, and any password in the clear looks like one.
 */
static bool hash_ok(const char *text)
{
    int judged = crypt_checksalt(text);

    return text[0] == '$' && strlen(strrchr(text, '$')) > 22 &&
           (judged == CRYPT_SALT_OK || judged == CRYPT_SALT_METHOD_LEGACY ||
            judged == CRYPT_SALT_TOO_CHEAP);
}

/* The bounds of a row of values count the values. */
static bool length_ok(const struct config_option *option, size_t length)
{
    if (option->row == CONFIG_ROW_OPTIONS)
        return length >= 1 && length <= CONFIG_TEXT_MAX;
    return length >= (size_t)option->min && length <= (size_t)option->max;
}

static bool text_ok(const struct config_option *option, const char *text)
{
    struct span s = span_text(text);
    struct scram_keys keys;
    uint64_t cpus[16];

    for (size_t i = 0; i < s.len; i++)
        if (s.data[i] < 0x20 || s.data[i] == 0x7f)
            return false;
    /* One that may be left out may be empty too. */
    if (s.len == 0 && option->fallback && !option->fallback[0])
        return true;
    switch (option->type) {
    case CONFIG_DOMAIN:
        return domain_ok(s);
    case CONFIG_MAILBOX:
        return mailbox_ok(s);
    case CONFIG_HASH:
        return hash_ok(text);
    case CONFIG_SCRAM:
        return scram_keys_read(s, &keys);
    default:
        break;
    }
    if (!length_ok(option, s.len))
        return false;
    if (option->type == CONFIG_CPUS)
        return s.len == 0 || config_cpus(text, cpus);
    return option->type != CONFIG_NAME || name_ok(s);
}

static bool read_text(const struct config_option *option, struct span s,
                      const struct config_reading *reading, char **text_out)
{
    bool path = option->type == CONFIG_PATH || option->type == CONFIG_OUTPUT;
    bool relative = path && s.len && s.data[0] != '/' && reading->directory.len &&
                    !(option->type == CONFIG_OUTPUT && span_equal(s, span_text("-")));
    struct span directory = relative ? reading->directory : span_of(NULL, 0);
    char *text = config_memory_take(reading->memory, directory.len + s.len + 1);

    if (!text || span_find(s, 0) >= 0)
        return false;
    memcpy(text, s.data, s.len);
    text[s.len] = 0;
    if (!text_ok(option, text))
        return false;
    if (directory.len) {
        memmove(text + directory.len, text, s.len + 1);
        memcpy(text, directory.data, directory.len);
    }
    *text_out = text;
    return true;
}

bool config_value(const struct config_option *option, struct span text,
                  const struct config_reading *reading, void *field)
{
    int64_t number;

    switch (option->type) {
    case CONFIG_BOOL:
        if (!span_equal(text, span_text("true")) && !span_equal(text, span_text("false")))
            return false;
        *(bool *)field = text.len == 4;
        return true;
    case CONFIG_INTEGER:
    case CONFIG_SIZE:
    case CONFIG_DURATION:
    case CONFIG_SCORE:
        return read_number(option, text, field);
    case CONFIG_PORT:
        if (!read_number(option, text, &number))
            return false;
        *(uint16_t *)field = (uint16_t)number;
        return true;
    case CONFIG_CHOICE:
        return read_choice(option->words, text, field);
    case CONFIG_ADDRESS:
        return ip_address_parse(text, field);
    case CONFIG_NETWORK:
        return read_network(text, field);
    default:
        return read_text(option, text, reading, field);
    }
}

size_t config_type_size(enum config_type type)
{
    switch (type) {
    case CONFIG_BOOL:
        return sizeof(bool);
    case CONFIG_INTEGER:
    case CONFIG_SIZE:
    case CONFIG_DURATION:
    case CONFIG_SCORE:
        return sizeof(int64_t);
    case CONFIG_PORT:
        return sizeof(uint16_t);
    case CONFIG_CHOICE:
        return sizeof(int);
    case CONFIG_ADDRESS:
        return sizeof(struct ip_address);
    case CONFIG_NETWORK:
        return sizeof(struct config_network);
    default:
        return sizeof(char *);
    }
}

/* As it is written in a file: "50MiB", "5m", "2.5". */
static void put_number(struct writer *w, enum config_type type, int64_t value)
{
    const struct scale *scale = scale_of(type);
    int best = 0;

    if (type == CONFIG_SCORE) {
        writer_printf(w, "%g", (double)value / 1000);
        return;
    }
    for (int i = 0; i < SCALE_MAX && scale[i].unit; i++)
        if (value && value % scale[i].factor == 0)
            best = i;
    writer_printf(w, "%lld%s", (long long)(value / scale[best].factor), scale[best].unit);
}

/* "a|b|c" as "a, b or c" */
static void put_choices(struct writer *w, const char *words)
{
    while (*words) {
        size_t n = strcspn(words, "|");

        writer_span_put(w, span_of(words, n));
        words += n + (words[n] == '|');
        if (*words)
            writer_text(w, strchr(words, '|') ? ", " : " or ");
    }
}

static void put_range(struct writer *w, const struct config_option *option, const char *what)
{
    writer_printf(w, "%s from ", what);
    put_number(w, option->type, option->min);
    writer_text(w, " to ");
    put_number(w, option->type, option->max);
    if (option->words[0])
        writer_printf(w, ", or %s", option->words);
}

void config_value_range(struct writer *w, const struct config_option *option)
{
    static const char *const names[] = {
        [CONFIG_BOOL] = "true or false",
        [CONFIG_INTEGER] = "a number",
        [CONFIG_SIZE] = "a size",
        [CONFIG_DURATION] = "a duration",
        [CONFIG_SCORE] = "a score",
        [CONFIG_PORT] = "a port",
        [CONFIG_ADDRESS] = "an IPv4 or IPv6 address",
        [CONFIG_NETWORK] = "an address and its prefix length, such as 198.18.0.2/24",
        [CONFIG_TEXT] = "a text",
        [CONFIG_NAME] = "a name of letters, digits, '-', '_' and '.'",
        [CONFIG_CPUS] = "CPU numbers and ranges, such as 0-1,4",
        [CONFIG_PATH] = "a path",
        [CONFIG_OUTPUT] = "a path, or - for standard output",
        [CONFIG_DOMAIN] = "a domain name",
        [CONFIG_MAILBOX] = "a mail address with a domain name",
        [CONFIG_HASH] = "a password hash as crypt(5) has it",
        [CONFIG_SCRAM] = "keys of SCRAM as RFC 5803 writes them",
    };
    if (option->type == CONFIG_CHOICE) {
        put_choices(w, option->words);
    } else if (option->type >= CONFIG_INTEGER && option->type <= CONFIG_PORT) {
        put_range(w, option, names[option->type]);
    } else {
        writer_text(w, names[option->type]);
    }
}

void config_value_expected(struct writer *w, const struct config_option *option)
{
    config_value_range(w, option);
    if (option->type == CONFIG_SIZE)
        writer_text(w, ", such as 50MiB");
    else if (option->type == CONFIG_DURATION)
        writer_text(w, ", such as 50us or 5m");
    else if (option->type >= CONFIG_TEXT && option->type <= CONFIG_OUTPUT &&
             option->row == CONFIG_ROW_OPTION)
        writer_printf(w, " of at most %lld bytes", (long long)option->max);
}
