#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "weir_re.h"
#include "thread.h"

#define DFA_WORKSPACE 1000 /* ints on the stack; OpenResty has 100 */

static uint32_t compile_options(int flags)
{
    static const struct { int flag; uint32_t option; } map[] = {
        { WEIR_RE_CASELESS, PCRE2_CASELESS },
        { WEIR_RE_MULTILINE, PCRE2_MULTILINE },
        { WEIR_RE_DOTALL, PCRE2_DOTALL },
        { WEIR_RE_EXTENDED, PCRE2_EXTENDED },
        { WEIR_RE_ANCHORED, PCRE2_ANCHORED },
        { WEIR_RE_UTF, PCRE2_UTF },
        { WEIR_RE_DUPNAMES, PCRE2_DUPNAMES },
        { WEIR_RE_JAVASCRIPT, PCRE2_ALT_BSUX | PCRE2_ALLOW_EMPTY_CLASS | PCRE2_MATCH_UNSET_BACKREF },
    };
    uint32_t options = 0;

    for (size_t i = 0; i < sizeof(map) / sizeof(map[0]); i++) {
        if (flags & map[i].flag) {
            options |= map[i].option;
        }
    }
    return options;
}

/* ngx_regex_compile's two sentences. */
static void describe_failure(const char *pattern, size_t len, int code, size_t at, char *err, size_t size)
{
    PCRE2_UCHAR text[128];

    pcre2_get_error_message(code, text, sizeof(text));
    if (at >= len) {
        snprintf(err, size, "pcre2_compile() failed: %s in \"%.*s\"", (char *)text, (int)len, pattern);
        return;
    }
    snprintf(err, size, "pcre2_compile() failed: %s in \"%.*s\" at \"%.*s\"",
             (char *)text, (int)len, pattern, (int)(len - at), pattern + at);
}

static void read_names(weir_re_t *re)
{
    uint32_t count = 0, entry = 0;
    PCRE2_SPTR table = NULL;

    pcre2_pattern_info(re->code, PCRE2_INFO_NAMECOUNT, &count);
    if (count == 0) {
        return;
    }
    pcre2_pattern_info(re->code, PCRE2_INFO_NAMEENTRYSIZE, &entry);
    pcre2_pattern_info(re->code, PCRE2_INFO_NAMETABLE, &table);
    re->name_count = (int)count;
    re->name_entry_size = (int)entry;
    re->name_table = table;
}

struct weir_re_set {
    weir_re_t *first;
    int        closed;
};

weir_re_set_t *weir_re_set_new(void)
{
    return calloc(1, sizeof(weir_re_set_t));
}

void weir_re_set_close(weir_re_set_t *set)
{
    set->closed = 1;
}

void weir_re_set_free(weir_re_set_t *set)
{
    set->closed = 0;
    while (set->first != NULL) {
        weir_re_free(set->first);
    }
    free(set);
}

static void join(weir_re_set_t *set, weir_re_t *re)
{
    re->set = set;
    re->next = set->first;
    if (re->next != NULL) {
        re->next->prev = re;
    }
    set->first = re;
}

static void leave(weir_re_t *re)
{
    if (re->next != NULL) {
        re->next->prev = re->prev;
    }
    if (re->prev != NULL) {
        re->prev->next = re->next;
    } else {
        re->set->first = re->next;
    }
}

weir_re_t *weir_re_compile(weir_re_set_t *set, const char *pattern, size_t len, int flags, uint32_t match_limit,
                           char *err, size_t err_size)
{
    int code;
    size_t at;
    uint32_t groups = 0;
    weir_re_t *re = calloc(1, sizeof(*re));

    if (re == NULL) {
        snprintf(err, err_size, "no memory");
        return NULL;
    }
    re->code = pcre2_compile((PCRE2_SPTR)pattern, len, compile_options(flags), &code, &at, NULL);
    if (re->code == NULL) {
        describe_failure(pattern, len, code, at, err, err_size);
        free(re);
        return NULL;
    }
    re->flags = flags;
    re->match_limit = match_limit;
    if ((flags & WEIR_RE_JIT) && !(flags & WEIR_RE_DFA)) {
        re->jitted = pcre2_jit_compile(re->code, PCRE2_JIT_COMPLETE) == 0;
    }
    if (!(flags & WEIR_RE_DFA)) {
        pcre2_pattern_info(re->code, PCRE2_INFO_CAPTURECOUNT, &groups);
    }
    re->ncaptures = (int)groups;
    read_names(re);
    re->captures = malloc(2 * sizeof(int) * (groups + 1));
    if (re->captures == NULL) {
        snprintf(err, err_size, "no memory");
        weir_re_free(re);
        return NULL;
    }
    if (set != NULL) {
        join(set, re);
    }
    return re;
}

void weir_re_free(weir_re_t *re)
{
    if (re == NULL || (re->set != NULL && re->set->closed)) {
        return;
    }
    if (re->set != NULL) {
        leave(re);
    }
    pcre2_code_free(re->code);
    free(re->captures);
    free(re);
}

/* The JIT's short way skips the checks of pcre2_match, so it is taken only where they could not fail. */
static int match(const weir_re_t *re, struct re_thread *t, const char *s, size_t len, size_t pos)
{
    uint32_t options = (re->flags & WEIR_RE_NO_UTF_CHECK) ? PCRE2_NO_UTF_CHECK : 0;

    if (re->flags & WEIR_RE_DFA) {
        int workspace[DFA_WORKSPACE];
        return pcre2_dfa_match(re->code, (PCRE2_SPTR)s, len, pos, options, t->data, t->context,
                               workspace, DFA_WORKSPACE);
    }
    if (re->jitted && !(re->flags & WEIR_RE_UTF) && pos <= len) {
        return pcre2_jit_match(re->code, (PCRE2_SPTR)s, len, pos, 0, t->data, t->context);
    }
    return pcre2_match(re->code, (PCRE2_SPTR)s, len, pos, options, t->data, t->context);
}

/* Matches and tells where the thread has the places; a negative result is an error, or no match. */
static int run(const weir_re_t *re, const char *s, size_t len, size_t pos, const size_t **places)
{
    struct re_thread *t = re_thread_get(re->ncaptures + 1, re->match_limit);
    int rc;

    if (t == NULL) {
        return PCRE2_ERROR_NOMEMORY;
    }
    rc = match(re, t, s, len, pos);
    *places = pcre2_get_ovector_pointer(t->data);
    return rc;
}

int weir_re_exec(weir_re_t *re, const char *s, size_t len, size_t pos)
{
    const size_t *places;
    int rc = run(re, s, len, pos, &places);

    if (rc < 0) {
        return rc;
    }
    for (int i = 0; i < 2 * (re->ncaptures + 1); i++) {
        re->captures[i] = (int)places[i];
    }
    return rc;
}

int weir_re_exec_into(const weir_re_t *re, const char *s, size_t len, size_t pos, intptr_t *pairs, int npairs)
{
    const size_t *places;
    int rc = run(re, s, len, pos, &places);
    int n = npairs < re->ncaptures + 1 ? npairs : re->ncaptures + 1;

    if (rc < 0) {
        return rc;
    }
    for (int i = 0; i < 2 * n; i++) {
        pairs[i] = (intptr_t)places[i];
    }
    return rc;
}
