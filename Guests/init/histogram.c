// The histogram that cyclictest prints, folded: single microseconds below 100, tens below 1000, hundreds below 10000.
#include "guest.h"

enum { FINE = 100, BUCKETS = FINE + 90 + 90 };

static struct { unsigned long counts[BUCKETS], over, sum, samples; long least, most; } seen;

static int bucket(long us) { return us < 100 ? us : us < 1000 ? FINE + (us - 100) / 10 : FINE + 90 + (us - 1000) / 100; }
static long lower_edge(int i) { return i < FINE ? i : i < FINE + 90 ? 100 + (i - FINE) * 10 : 1000 + (i - FINE - 90) * 100; }

/// One number of at most nine digits, behind spaces; -1 when there is none.
static long next_number(const char **at) {
    while (**at == ' ' || **at == '\t') ++*at;
    long value = 0;
    int digits = 0;
    for (; **at >= '0' && **at <= '9' && digits < 9; digits++) value = value * 10 + *(*at)++ - '0';
    return digits ? value : -1;
}

/// "000012 000340 000338": a latency, then how often each thread saw it. "# Max Latencies: 00047 00051".
static void take(const char *line) {
    long value;
    const char *rest;
    if ((rest = after(line, "# Max Latencies:"))) {
        while ((value = next_number(&rest)) >= 0)
            if (value > seen.most) seen.most = value;
    } else if ((rest = after(line, "# Histogram Overflows:"))) {
        while ((value = next_number(&rest)) >= 0) seen.over += value;
    } else if (*line >= '0' && *line <= '9') {
        long us = next_number(&line);
        while ((value = next_number(&line)) >= 0) {
            if (us >= 10000 || value == 0) continue;
            seen.counts[bucket(us)] += value;
            seen.sum += us * value;
            seen.samples += value;
            if (seen.least < 0 || us < seen.least) seen.least = us;
        }
    }
}

void histogram_read(int from) {
    static char text[4096], line[128];
    size length = 0;
    word count;
    memset(&seen, 0, sizeof seen);
    seen.least = -1;
    while ((count = read(from, text, sizeof text)) > 0) {
        for (word i = 0; i < count; i++) {
            if (text[i] == '\n') {
                line[length] = 0;
                take(line);
                length = 0;
            } else if (length < sizeof line - 1) line[length++] = text[i];
        }
    }
}

int histogram_say(void) {
    if (seen.samples == 0) return 0;
    int column = 0;
    for (int i = 0; i < BUCKETS; i++) {
        if (!seen.counts[i]) continue;
        say(column == 0 ? "@bulkhead histogram" : "");
        say(" ");
        say_number(lower_edge(i));
        say("=");
        say_number(seen.counts[i]);
        if (++column < 8) continue;
        say("\n");
        column = 0;
        sleep_ms(30);                                        // a console's ring is small, and read a few times a second
    }
    if (column) say("\n");
    if (seen.over) {
        say("@bulkhead histogram 10000=");
        say_number(seen.over);
        say("\n");
    }
    say("@bulkhead latency min_us=");
    say_number(seen.least);
    say(" avg_us=");
    say_number(seen.sum / seen.samples);
    say(" max_us=");
    say_number(seen.most);
    say(" samples=");
    say_number(seen.samples + seen.over);
    say("\n");
    return 1;
}
