/* SPDX-License-Identifier: BSD-3-Clause */
#include "proto/mime/mime_date.h"

static bool is_digit(uint8_t c)
{
    return c >= '0' && c <= '9';
}

static bool is_letter(uint8_t c)
{
    c = ascii_lower(c);
    return c >= 'a' && c <= 'z';
}

/* CFWS, comments nested. An unclosed comment takes all that is left. */
static struct span skip(struct span s)
{
    size_t depth = 0, i = 0;

    for (; i < s.len; i++) {
        uint8_t c = s.data[i];

        if (depth && c == '\\')
            i++;
        else if (c == '(')
            depth++;
        else if (depth && c == ')')
            depth--;
        else if (!depth && c != ' ' && c != '\t' && c != '\r' && c != '\n')
            break;
    }
    return span_skip(s, i);
}

/* Digits, from `least` to `most` of them. */
static bool number(struct span *s, size_t least, size_t most, unsigned *n_out, size_t *digits_out)
{
    size_t n = 0;

    *s = skip(*s);
    *n_out = 0;
    for (; n < s->len && n < most && is_digit(s->data[n]); n++)
        *n_out = *n_out * 10 + (unsigned)(s->data[n] - '0');
    if (n < least || (n < s->len && is_digit(s->data[n])))
        return false;
    *digits_out = n;
    *s = span_skip(*s, n);
    return true;
}

static struct span letters(struct span *s)
{
    struct span word;
    size_t n = 0;

    *s = skip(*s);
    while (n < s->len && is_letter(s->data[n]))
        n++;
    word = span_head(*s, n);
    *s = span_skip(*s, n);
    return word;
}

static bool accept(struct span *s, uint8_t c)
{
    *s = skip(*s);
    if (s->len == 0 || s->data[0] != c)
        return false;
    *s = span_skip(*s, 1);
    return true;
}

/* The place of a word in a list of words of three letters, from 1; 0: it is none of them. */
static unsigned place(struct span word, const char *list)
{
    for (unsigned i = 0; list[3 * i]; i++)
        if (span_equal_nocase(word, span_of(list + 3 * i, 3)))
            return i + 1;
    return 0;
}

/* month = "Jan" / "Feb" / ... ; a number from 1 to 12 is read, too, since nothing else can stand
 * there. */
static unsigned read_month(struct span *s)
{
    struct span word = letters(s);
    unsigned n;
    size_t digits;

    if (word.len)
        return place(word, "janfebmaraprmayjunjulaugsepoctnovdec");
    return number(s, 1, 2, &n, &digits) && n <= 12 ? n : 0;
}

static unsigned days_of(unsigned month, unsigned year)
{
    static const uint8_t days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};

    if (month == 2 && year % 4 == 0 && (year % 100 != 0 || year % 400 == 0))
        return 29;
    return days[month - 1];
}

/*
 * date     = day month year
 * obs-year = [CFWS] 2*DIGIT [CFWS]     ; two digits from 50 on are of the 20th century, else of the
 * 21st; ; three are counted from 1900
 */
static bool read_date(struct span *s, struct mime_date *d)
{
    unsigned day, year;
    size_t digits;

    if (!number(s, 1, 2, &day, &digits))
        return false;
    d->month = (uint8_t)read_month(s);
    if (d->month == 0 || !number(s, 2, 4, &year, &digits))
        return false;
    if (digits < 4)
        year += digits == 2 && year < 50 ? 2000 : 1900;
    d->year = (uint16_t)year;
    d->day = (uint8_t)day;
    return day >= 1 && day <= days_of(d->month, year);
}

/* time-of-day = hour ":" minute [ ":" second ] */
static bool read_time(struct span *s, struct mime_date *d)
{
    unsigned hour, minute, second = 0;
    size_t digits;

    if (!number(s, 1, 2, &hour, &digits) || !accept(s, ':') || !number(s, 1, 2, &minute, &digits))
        return false;
    if (accept(s, ':') && !number(s, 1, 2, &second, &digits))
        return false;
    d->hour = (uint8_t)hour;
    d->minute = (uint8_t)minute;
    d->second = (uint8_t)second;
    return hour < 24 && minute < 60 && second <= 60;
}

/*
 * zone     = (FWS ( "+" / "-" ) 4DIGIT) / obs-zone
 * obs-zone = "UT" / "GMT" / "EST" / "EDT" / "CST" / "CDT" / "MST" / "MDT" / "PST" / "PDT" / letters
 * Other letters are "-0000" (section 4.3). A date without a zone is read so, too. What stands
 * behind the letters, as in "EST5EDT", is no part of the date.
 */
static bool read_zone(struct span s, struct mime_date *d)
{
    bool minus = accept(&s, '-'), plus = !minus && accept(&s, '+');
    unsigned n, american;
    struct span word;
    size_t digits;

    if (minus || plus) {
        if (!number(&s, 4, 4, &n, &digits) || n % 100 > 59)
            return false;
        d->zone = (int16_t)(n / 100 * 60 + n % 100);
        d->zone = minus ? (int16_t)-d->zone : d->zone;
        d->zone_unknown = minus && n == 0;
        return true;
    }
    word = letters(&s);
    american = place(word, "edtestcdtcstmdtmstpdtpst");
    if (american)
        d->zone = (int16_t)(-60 * (int)(4 + american / 2));
    else
        d->zone_unknown = !span_equal_nocase(word, span_text("UT")) && place(word, "gmtutc") == 0;
    return true;
}

/* date-time = [ day-of-week "," ] date time zone */
bool mime_date_parse(struct span value, struct mime_date *date_out)
{
    struct mime_date d = {.zone = 0};
    struct span s = value, word = letters(&s);

    if (word.len && place(word, "montuewedthufrisatsun") == 0)
        return false;
    accept(&s, ',');
    if (!read_date(&s, &d) || !read_time(&s, &d) || !read_zone(s, &d))
        return false;
    *date_out = d;
    return true;
}

void mime_date_put(struct writer *w, const struct mime_date *date)
{
    unsigned zone = (unsigned)(date->zone < 0 ? -date->zone : date->zone);

    writer_digits(w, date->year, 4);
    writer_byte(w, '-');
    writer_digits(w, date->month, 2);
    writer_byte(w, '-');
    writer_digits(w, date->day, 2);
    writer_byte(w, 'T');
    writer_digits(w, date->hour, 2);
    writer_byte(w, ':');
    writer_digits(w, date->minute, 2);
    writer_byte(w, ':');
    writer_digits(w, date->second, 2);
    writer_byte(w, date->zone < 0 || date->zone_unknown ? '-' : '+');
    writer_digits(w, zone / 60, 2);
    writer_byte(w, ':');
    writer_digits(w, zone % 60, 2);
}
