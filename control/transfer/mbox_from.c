/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/transfer/mbox_reader.h"

#include "proto/base/ascii.h"

enum { WORDS = 32 };

/* The words of a line, from its end, at most WORDS of them: the date stands at the end, and what is
 * in front of it may be anything. */
struct words {
    uint32_t count;
    struct span at[WORDS]; /* the last word first */
};

static void split(struct span line, struct words *w)
{
    size_t end = line.len;

    w->count = 0;
    while (w->count < WORDS) {
        size_t from;

        while (end > 0 && ascii_blank(line.data[end - 1]))
            end--;
        if (end == 0)
            return;
        for (from = end; from > 0 && !ascii_blank(line.data[from - 1]);)
            from--;
        w->at[w->count++] = span_of(line.data + from, end - from);
        end = from;
    }
}

static bool is_one_of(struct span word, const char *names, int *place_out)
{
    for (int i = 0; names[3 * i]; i++) {
        *place_out = i;
        if (span_equal(word, span_of(names + 3 * i, 3)))
            return true;
    }
    return false;
}

/* 1*DIGIT, least to most of them. */
static bool number(struct span s, size_t least, size_t most, uint32_t *out)
{
    *out = 0;
    for (size_t i = 0; i < s.len; i++) {
        if ((uint8_t)(s.data[i] - '0') > 9)
            return false;
        *out = *out * 10 + (uint32_t)(s.data[i] - '0');
        if (i + 1 > most)
            return false;
    }
    return s.len >= least;
}

/* time = 1*2DIGIT ":" 2DIGIT [":" 2DIGIT] */
static bool clock_time(struct span s, uint32_t *seconds_out)
{
    uint32_t parts[3] = {0};
    int n = 0;

    while (n < 3) {
        size_t len = 0;

        while (len < s.len && s.data[len] != ':')
            len++;
        if (!number(span_head(s, len), n ? 2 : 1, 2, &parts[n]))
            return false;
        n++;
        s = span_skip(s, len < s.len ? len + 1 : len);
        if (!s.len)
            break;
    }
    *seconds_out = parts[0] * 3600 + parts[1] * 60 + parts[2];
    return n >= 2 && !s.len && parts[0] < 24 && parts[1] < 60 && parts[2] <= 60;
}

/* zone = ("+" / "-") 4DIGIT / 1*ALPHA, the latter taken for UTC as everybody does who reads these
 */
static bool zone(struct span s, int32_t *minutes_out)
{
    uint32_t n;

    *minutes_out = 0;
    if (s.len == 5 && (s.data[0] == '+' || s.data[0] == '-')) {
        if (!number(span_skip(s, 1), 4, 4, &n))
            return false;
        *minutes_out = (int32_t)(n / 100 * 60 + n % 100) * (s.data[0] == '-' ? -1 : 1);
        return true;
    }
    for (size_t i = 0; i < s.len; i++)
        if ((uint8_t)((s.data[i] | 0x20) - 'a') >= 26)
            return false;
    return s.len > 0 && s.len <= 5;
}

/* Days since 1970 of a date of the proleptic Gregorian calendar. */
static int64_t days_of(int64_t year, int64_t month, int64_t day)
{
    int64_t y = year - (month <= 2), era = y / 400, of_era = y - era * 400;
    int64_t of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;

    return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

/* The words weekday, month, day, time, [zone], year, [zone] are at[i], at[i - 1] ... at[0]. */
static bool date(const struct words *w, uint32_t i, uint64_t *ms_out)
{
    static const char days[] = "SunMonTueWedThuFriSat",
                      months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    uint32_t day, seconds, year;
    int32_t minutes = 0;
    int unused, month;
    int64_t ms;

    if (i < 4 || i > 6 || !is_one_of(w->at[i], days, &unused) ||
        !is_one_of(w->at[i - 1], months, &month) || !number(w->at[i - 2], 1, 2, &day) || day == 0 ||
        day > 31 || !clock_time(w->at[i - 3], &seconds))
        return false;
    if (!number(w->at[i - 4], 4, 4, &year)) {
        if (i < 5 || !zone(w->at[i - 4], &minutes) || !number(w->at[i - 5], 4, 4, &year))
            return false;
        i--;
    }
    if ((i == 5 && !zone(w->at[0], &minutes)) || i > 5)
        return false;
    ms = (days_of(year, month + 1, day) * 86400 + seconds - (int64_t)minutes * 60) * 1000;
    *ms_out = ms > 0 ? (uint64_t)ms : 0;
    return true;
}

bool mbox_from_parse(struct span line, struct mbox_from *from)
{
    struct words w;
    struct span sender;

    if (!span_equal(span_head(line, 5), span_text("From ")))
        return false;
    line = span_skip(line, 5);
    split(line, &w);
    for (uint32_t i = 4; i < w.count && i <= 6; i++) {
        if (!date(&w, i, &from->date_ms))
            continue;
        sender = span_head(line, (size_t)(w.at[i].data - line.data));
        while (sender.len && ascii_blank(sender.data[sender.len - 1]))
            sender.len--;
        from->sender_len = sender.len < MBOX_SENDER ? (uint32_t)sender.len : MBOX_SENDER;
        memcpy(from->sender, sender.data, from->sender_len);
        return true;
    }
    return false;
}
