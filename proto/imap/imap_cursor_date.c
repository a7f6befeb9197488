/* SPDX-License-Identifier: BSD-3-Clause */
#include "proto/imap/imap_cursor.h"
#include "proto/imap/imap_date.h"

/* Exactly `count` digits, or, when `most` is more, up to that many. */
static bool digits(struct imap_cursor *c, int count, int most, int *out)
{
    int n = 0, seen = 0;

    for (; seen < most && !c->bad && c->at < c->end && (uint8_t)(*c->at - '0') < 10; seen++)
        n = 10 * n + (*c->at++ - '0');
    *out = n;
    return seen >= count || imap_cursor_fail(c);
}

/* date-month "-" date-year, behind the first "-" */
static bool month_year(struct imap_cursor *c, struct imap_date *d)
{
    if (!imap_cursor_byte(c, '-'))
        return false;
    d->month = c->end - c->at < 3 ? 0 : imap_date_month(span_of(c->at, 3));
    if (d->month == 0)
        return imap_cursor_fail(c);
    c->at += 3;
    return imap_cursor_byte(c, '-') && digits(c, 4, 4, &d->year);
}

/* date-text = date-day "-" date-month "-" date-year */
bool imap_cursor_date(struct imap_cursor *c, int32_t *days_out)
{
    bool quotes = imap_cursor_take_byte(c, '"');
    struct imap_date d = {0};

    if (!digits(c, 1, 2, &d.day) || !month_year(c, &d))
        return false;
    if (quotes && !imap_cursor_byte(c, '"'))
        return false;
    return imap_date_days(&d, days_out) || imap_cursor_fail(c);
}

/* time = 2DIGIT ":" 2DIGIT ":" 2DIGIT */
static bool time_of_day(struct imap_cursor *c, struct imap_date *d)
{
    return digits(c, 2, 2, &d->hour) && imap_cursor_byte(c, ':') && digits(c, 2, 2, &d->minute) &&
           imap_cursor_byte(c, ':') && digits(c, 2, 2, &d->second);
}

/* zone = ("+" / "-") 4DIGIT */
static bool zone(struct imap_cursor *c, struct imap_date *d)
{
    bool west = imap_cursor_take_byte(c, '-');
    int hours, minutes;

    if ((!west && !imap_cursor_byte(c, '+')) || !digits(c, 2, 2, &hours) ||
        !digits(c, 2, 2, &minutes))
        return false;
    if (hours > 23 || minutes > 59)
        return imap_cursor_fail(c);
    d->zone = (west ? -1 : 1) * (60 * hours + minutes);
    return true;
}

/*
 * date-day-fixed = (SP DIGIT) / 2DIGIT
 * Differs from RFC 9051 section 9: a single digit needs no space in front, as libraries leave it out.
 */
bool imap_cursor_date_time(struct imap_cursor *c, int64_t *seconds_out, int16_t *zone_out)
{
    struct imap_date d = {0};

    if (!imap_cursor_byte(c, '"') ||
        !(imap_cursor_take_byte(c, ' ') ? digits(c, 1, 1, &d.day) : digits(c, 1, 2, &d.day)) ||
        !month_year(c, &d) || !imap_cursor_space(c) || !time_of_day(c, &d) ||
        !imap_cursor_space(c) || !zone(c, &d) || !imap_cursor_byte(c, '"'))
        return false;
    if (!imap_date_seconds(&d, seconds_out))
        return imap_cursor_fail(c);
    *zone_out = (int16_t)d.zone;
    return true;
}
