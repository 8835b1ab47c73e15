// Debian's iperf3: a stream of TCP from the first end to the second.
#define _GNU_SOURCE
#include "wire.h"
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static char *const environment[] = {"HOME=/", "PATH=/bin", 0};

int stream_serve(void) {
    char *const arguments[] = {"iperf3", "-s", 0};
    pid_t process = fork();
    if (process == 0) {
        execve("/bin/iperf3", arguments, environment);
        _exit(127);
    }
    sleep_ms(1000);
    return process > 0 && waitpid(process, 0, WNOHANG) == 0;
}

/// Kilobits a second in the line of the receiver, as `-f k` prints it; 0 in any other.
static long rate_in(const char *line) {
    const char *unit = strstr(line, " Kbits/sec");
    if (!unit || !strstr(unit, "receiver")) return 0;
    const char *number = unit;
    while (number > line && number[-1] != ' ') number--;
    return atol(number);
}

int stream(long seconds, struct window *w) {
    char duration[16], line[256];
    int ends[2];
    snprintf(duration, sizeof duration, "%ld", seconds);
    char *const arguments[] = {"iperf3", "-c", "10.9.0.2", "-t", duration, "-i", "0", "-f", "k", 0};
    if (pipe2(ends, O_CLOEXEC) != 0) return 0;
    long before = ask(), start = now_ms();
    MARK(1);
    pid_t process = fork();
    if (process == 0) {
        dup2(ends[1], 1);
        dup2(ends[1], 2);
        execve("/bin/iperf3", arguments, environment);
        _exit(127);
    }
    close(ends[1]);
    FILE *said = fdopen(ends[0], "r");
    char last[256] = "";
    while (said && fgets(line, sizeof line, said)) {
        if (rate_in(line)) w->received = rate_in(line);
        if (line[0] > ' ') strcpy(last, line);
    }
    if (said) fclose(said);
    waitpid(process, 0, 0);
    MARK(0);
    w->ms = now_ms() - start;
    w->count = ask() - before;
    if (!w->received) say("@bulkhead said "), say(last), say("\n");
    return w->received > 0 && before >= 0;
}
