/* What the test programs share: a check that says what was met, and names the line. */
#ifndef EXPECT_H
#define EXPECT_H

#include <kinescore.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int failures = 0;

#define EXPECT(condition)                                                                                              \
    do {                                                                                                               \
        if (!(condition)) {                                                                                            \
            fprintf(stderr, "%s:%d: not so: %s (last error: %s)\n", __FILE__, __LINE__, #condition,                    \
                    kinescore_last_error());                                                                           \
            failures++;                                                                                                \
        }                                                                                                              \
    } while (0)

/* The call must give that status. */
#define GIVES(status, call)                                                                                            \
    do {                                                                                                               \
        kinescore_status met = (call);                                                                                 \
        if (met != (status)) {                                                                                         \
            fprintf(stderr, "%s:%d: %s gave %s, not %s: %s\n", __FILE__, __LINE__, #call, kinescore_status_name(met),  \
                    kinescore_status_name(status), kinescore_last_error());                                            \
            failures++;                                                                                                \
        }                                                                                                              \
    } while (0)

/* The call must succeed, or nothing after it makes sense. */
#define MUST(call)                                                                                                     \
    do {                                                                                                               \
        kinescore_status met = (call);                                                                                 \
        if (met != KINESCORE_OK) {                                                                                     \
            fprintf(stderr, "%s:%d: %s gave %s: %s\n", __FILE__, __LINE__, #call, kinescore_status_name(met),          \
                    kinescore_last_error());                                                                           \
            exit(1);                                                                                                   \
        }                                                                                                              \
    } while (0)

/* The last error must speak of that. */
#define SAYS(part)                                                                                                     \
    do {                                                                                                               \
        if (strstr(kinescore_last_error(), part) == NULL) {                                                            \
            fprintf(stderr, "%s:%d: '%s' is not in: %s\n", __FILE__, __LINE__, part, kinescore_last_error());          \
            failures++;                                                                                                \
        }                                                                                                              \
    } while (0)

#endif
