/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/blast/blast_language.h"

#include <iconv.h>
#include <string.h>

enum { SYLLABLES = 24, WORD_MOST = 4 };

static const struct language {
    const char *name, *charset;
    uint32_t percent;
    bool unspaced;
    const char *syllables[SYLLABLES];
} languages[BLAST_LANGUAGES] = {
    {"english", "us-ascii", 50, false, {"ba",  "con", "der", "est", "fin", "gor", "hal", "in",
                                        "jus", "kel", "lor", "men", "nor", "op",  "per", "qui",
                                        "ren", "sol", "ter", "ur",  "ven", "wil", "yon", "zet"}},
    {"german", "iso-8859-1", 8, false, {"schö",  "für",  "über", "ge",  "ver",   "lich",
                                        "keit",  "ung",  "groß", "mäd", "chen",  "stra",
                                        "ße",    "haus", "brü",  "cke", "wör",   "ter",
                                        "fluss", "tag",  "mor",  "gen", "licht", "zeit"}},
    {"french", "iso-8859-15", 8, false, {"été",  "cha",  "leur",  "fran", "çais", "mai",
                                         "son",  "très", "peu",   "vent", "être", "ré",
                                         "gion", "goût", "où",    "là",   "bon",  "jour",
                                         "nuit", "pré",  "mière", "fenê", "tre",  "voix"}},
    {"polish", "iso-8859-2", 5, false, {"łą",    "ka",  "żó",  "łw",   "świe", "cie",
                                        "dzień", "noc", "mia", "sto",  "czę",  "ść",
                                        "pię",   "kny", "rze", "góra", "źró",  "dło",
                                        "praw",  "da",  "wie", "czór", "ćma",  "las"}},
    {"russian", "koi8-r", 8, false, {"при",  "вет",  "го",   "род",  "ре", "ка", "мир", "сло",
                                     "во",   "день", "ночь", "вре",  "мя", "до", "ро",  "га",
                                     "лист", "ок",   "но",   "свет", "пи", "сь", "мо",  "утро"}},
    {"greek", "iso-8859-7", 3, false, {"κα",  "λη",  "μέ", "ρα",  "νερό", "θά",  "λασ", "σα",
                                       "φως", "σπί", "τι", "πό",  "δρό",  "μος", "γρά", "μμα",
                                       "χαρ", "τί",  "νύ", "χτα", "ώρα",  "ήλι", "ος",  "γη"}},
    {"chinese", "gb18030", 8, true, {"天", "地", "人", "日", "月", "水", "火", "山",
                                     "石", "田", "木", "林", "花", "草", "风", "雨",
                                     "春", "夏", "秋", "冬", "书", "信", "城", "路"}},
    {"japanese", "shift_jis", 5, true, {"あさ", "ひる", "よる", "みず",   "やま", "かわ",
                                        "そら", "うみ", "ほん", "てがみ", "まち", "みち",
                                        "はな", "かぜ", "あめ", "ゆき",   "木",   "山",
                                        "川",   "日",   "月",   "花",     "春",   "秋"}},
    {"arabic", "windows-1256", 5, false, {"سلام", "كتا", "ب",    "مدي", "نة",  "نهر", "جبل", "شمس",
                                          "قمر",  "ليل", "نهار", "بيت", "طري", "ق",   "ماء", "نار",
                                          "ورد",  "ريح", "مطر",  "صبح", "باب", "قلم", "رسا", "لة"}},
};

static const char *const phrases[] = {
    "ACT NOW",
    "you have been selected",
    "claim your reward today",
    "100% free, no obligation",
    "lowest price guaranteed",
    "earn extra cash from home",
    "limited time offer!!!",
    "dear valued customer",
    "cheap watches and pills",
    "your account is suspended, verify it here:",
    "double your income in one week",
    "risk free investment",
    "http://offer.example.test/claim?id=",
    "http://prize.example.test/u/",
    "click below to unsubscribe",
    "this is not spam",
};

enum { PHRASES = sizeof(phrases) / sizeof(phrases[0]) };

bool blast_language_find(const char *name, uint32_t *language_out)
{
    for (uint32_t i = 0; i < BLAST_LANGUAGES; i++) {
        *language_out = i;
        if (strcmp(name, languages[i].name) == 0)
            return true;
    }
    return false;
}

uint32_t blast_language_choose(struct chance *c)
{
    uint64_t percent = chance_below(c, 100);
    uint32_t i = 0;

    while (percent >= languages[i].percent)
        percent -= languages[i++].percent;
    return i;
}

struct blast_writing blast_language_write(struct chance *c, uint32_t language)
{
    bool old = language == 0 || chance_below(c, 2);

    return (struct blast_writing){.language = language,
                                  .charset = old ? languages[language].charset : "utf-8"};
}

/* Few words are frequent and many rare: the lesser of two draws. */
static void put_word(struct writer *w, struct chance *c, const struct language *l)
{
    uint64_t a = chance_below(c, 2000), b = chance_below(c, 2000);
    struct chance word = {(a < b ? a : b) + 1};

    for (uint64_t n = 1 + chance_below(&word, l->unspaced ? 2 : WORD_MOST - 1); n > 0; n--)
        writer_text(w, l->syllables[chance_below(&word, SYLLABLES)]);
}

static void put_spam(struct writer *w, struct chance *c, uint32_t letters)
{
    while (w->len < letters) {
        const char *phrase = phrases[chance_below(c, PHRASES)];

        if (w->len)
            writer_byte(w, ' ');
        writer_text(w, phrase);
        if (phrase[strlen(phrase) - 1] == '=' || phrase[strlen(phrase) - 1] == '/')
            writer_printf(w, "%llx", (unsigned long long)(chance_next(c) >> 40));
    }
}

/* Letters of any script count as one each. */
static void put_words(struct writer *w, struct chance *c, const struct language *l,
                      uint32_t letters)
{
    uint32_t n = 0;

    while (n < letters && writer_room(w) > 64) {
        size_t begin = w->len;

        if (begin)
            writer_text(w, l->unspaced ? "" : " ");
        put_word(w, c, l);
        for (size_t i = begin; i < w->len; i++)
            n += (w->data[i] & 0xc0) != 0x80;
    }
}

void blast_language_line(struct writer *w, struct chance *c, const struct blast_writing *how,
                         uint32_t letters)
{
    uint8_t bytes[BLAST_LANGUAGE_LINE], out[BLAST_LANGUAGE_LINE];
    struct writer line = writer_of(bytes, sizeof(bytes));
    char *from = (char *)bytes, *to = (char *)out;
    size_t from_len, to_len = sizeof(out);
    iconv_t cd;

    if (how->spam) {
        put_spam(&line, c, letters);
        writer_span_put(w, writer_span(&line));
        return;
    }
    put_words(&line, c, &languages[how->language], letters);
    from_len = line.len;
    cd = strcmp(how->charset, "utf-8") == 0 ? (iconv_t)-1 : iconv_open(how->charset, "utf-8");
    if (cd == (iconv_t)-1) {
        writer_span_put(w, writer_span(&line));
        return;
    }
    /* All syllables exist in their charset. */
    iconv(cd, &from, &from_len, &to, &to_len);
    iconv_close(cd);
    writer_span_put(w, span_of(out, sizeof(out) - to_len));
}
