/* SPDX-License-Identifier: BSD-3-Clause */
#include "proto/imap/imap_date.h"

enum { DAY = 86400, ERA_DAYS = 146097, EPOCH = 719468 /* days from 0000-03-01 to 1970-01-01 */ };

static const char months[12][4] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                   "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

int imap_date_month(struct span name)
{
    for (int m = 0; m < 12; m++)
        if (span_equal_nocase(name, span_of(months[m], 3)))
            return m + 1;
    return 0;
}

const char *imap_date_month_name(int month)
{
    return months[month - 1];
}

static int month_days(int year, int month)
{
    static const uint8_t days[12] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);

    return days[month - 1] + (month == 2 && leap ? 1 : 0);
}

bool imap_date_days(const struct imap_date *date, int32_t *days_out)
{
    int year = date->year, era, of_era, day_of_year;

    if (year < 0 || year > 9999 || date->month < 1 || date->month > 12 || date->day < 1 ||
        date->day > month_days(year, date->month))
        return false;
    /* Years that begin in March have their odd day at the end. */
    year -= date->month <= 2;
    era = (year >= 0 ? year : year - 399) / 400;
    of_era = year - era * 400;
    day_of_year = (153 * (date->month + (date->month > 2 ? -3 : 9)) + 2) / 5 + date->day - 1;
    *days_out = era * ERA_DAYS + of_era * 365 + of_era / 4 - of_era / 100 + day_of_year - EPOCH;
    return true;
}

bool imap_date_seconds(const struct imap_date *date, int64_t *seconds_out)
{
    int second = date->second == 60 ? 59 : date->second;
    int32_t days;

    if (!imap_date_days(date, &days) || date->hour < 0 || date->hour > 23 || date->minute < 0 ||
        date->minute > 59 || second < 0 || second > 59)
        return false;
    *seconds_out =
        (int64_t)days * DAY + date->hour * 3600 + (date->minute - date->zone) * 60 + second;
    return true;
}

static int64_t floor_div(int64_t a, int64_t b)
{
    return a / b - (a % b < 0 ? 1 : 0);
}

int32_t imap_date_day_of(int64_t seconds, int zone)
{
    return (int32_t)floor_div(seconds + 60 * (int64_t)zone, DAY);
}

struct imap_date imap_date_of(int64_t seconds, int zone)
{
    /* 0000-01-02 to 9999-12-30, so that no zone leaves the calendar. */
    const int64_t first = -62167132800, last = 253402214399;
    int64_t local = (seconds < first ? first : seconds > last ? last : seconds) + 60 * zone;
    int64_t day = floor_div(local, DAY), era, second = local - day * DAY;
    int of_era, year_of_era, day_of_year, month;
    struct imap_date d = {.zone = zone};

    day += EPOCH;
    era = floor_div(day, ERA_DAYS);
    of_era = (int)(day - era * ERA_DAYS);
    year_of_era = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
    day_of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    month = (5 * day_of_year + 2) / 153;
    d.day = day_of_year - (153 * month + 2) / 5 + 1;
    d.month = month < 10 ? month + 3 : month - 9;
    d.year = (int)era * 400 + year_of_era + (d.month <= 2);
    d.hour = (int)(second / 3600);
    d.minute = (int)(second / 60 % 60);
    d.second = (int)(second % 60);
    return d;
}
