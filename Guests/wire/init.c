// The first process of the guests at the ends of a wire: does what is typed, a line each, and says how it went.
#include "wire.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>


long now_ms(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}
void sleep_ms(long ms) { usleep((useconds_t)ms * 1000); }

int put(const char *path, const char *text) {
    int file = open(path, O_WRONLY);
    if (file < 0) return 0;
    ssize_t written = write(file, text, strlen(text));
    close(file);
    if (written != (ssize_t)strlen(text)) say("@bulkhead refused "), say(path), say(" "), say(text), say("\n");
    return written == (ssize_t)strlen(text);
}
long get(const char *path) {
    char text[32] = "";
    int file = open(path, O_RDONLY);
    if (file < 0) return -1;
    ssize_t count = read(file, text, sizeof text - 1);
    close(file);
    return count > 0 ? atol(text) : -1;
}

int load_modules(const char *names) {
    char copy[256], path[320], *rest = copy;
    snprintf(copy, sizeof copy, "%s", names);
    for (char *name; (name = strsep(&rest, " "));) {
        snprintf(path, sizeof path, "/sys/module/%s", name);
        if (access(path, F_OK) == 0) continue;
        snprintf(path, sizeof path, "/modules/%s.ko", name);
        int file = open(path, O_RDONLY);
        long result = file < 0 ? -1 : syscall(SYS_finit_module, file, "", 0);
        if (file >= 0) close(file);
        if (result == 0) continue;
        say("@bulkhead error module "), say(name), say(" errno="), say_number(errno), say("\n");
        return 0;
    }
    return 1;
}
void unload_module(const char *name) { syscall(SYS_delete_module, name, O_NONBLOCK); }

static int parts(char *line, char *words[4]) {
    int count = 0;
    for (char *word; count < 4 && (word = strsep(&line, " "));)
        if (*word) words[count++] = word;
    return count;
}

static void obey(char *line) {
    struct window w = {0};
    char *words[4];
    int count = parts(line, words), done = 0;
    if (!count) return;
    long first = count > 1 ? atol(words[1]) : 0, second = count > 2 ? atol(words[2]) : 0;
    const char *name = words[0];
    if (!strcmp(name, "join")) {
        done = card_up((int)first);
        if (done && first == SECOND) {
            if (!stream_serve()) return say("@bulkhead error iperf3 does not start\n");
            say("@bulkhead joined end=2\n");
            answer_for_ever();
        }
        // The other end may be on its way.
        for (int tries = 0; done && tries < 12 && (w.received = ask()) < 0; tries++) {}
        if (done && w.received >= 0) return say("@bulkhead joined end=1\n");
        done = 0;
    } else if (!strcmp(name, "offloads")) done = card_offloads((int)first);
    else if (!strcmp(name, "frames")) done = frames(first, second, &w);
    else if (!strcmp(name, "rests")) done = rests(first, second, &w);
    else if (!strcmp(name, "pings")) done = pings(first, &w);
    else if (!strcmp(name, "characters")) done = characters(first, &w);
    else if (!strcmp(name, "stream")) done = stream(first, &w);
    if (!done) return say("@bulkhead error "), say(name), say("\n");
    say("@bulkhead wire name="), say(name);
    say(" count="), say_number(w.count);
    say(" received="), say_number(w.received);
    say(" ms="), say_number(w.ms), say("\n");
}

static void listen_for_ever(void) {
    static char line[80];
    for (size_t length = 0;;) {
        int byte = console_read();
        if (byte < 0) sleep_ms(50);
        else if (byte == '\r' || byte == '\n') {
            line[length] = 0, length = 0;
            obey(line);
        } else if (length < sizeof line - 1) line[length++] = (char)byte;
    }
}

int main(void) {
    struct utsname names;
    long uptime = now_ms();
    mount("proc", "/proc", "proc", 0, 0);
    mount("sys", "/sys", "sysfs", 0, 0);
    mount("dev", "/dev", "devtmpfs", 0, 0);
    for (int fd = 0; fd < 3; fd++) close(fd);
    for (int fd = 0; fd < 3; fd++) open("/dev/null", O_RDWR);
    console_open();
    uname(&names);
    say("@bulkhead ready kernel="), say(names.release);
    say(" vcpus="), say_number(sysconf(_SC_NPROCESSORS_ONLN));
    say(" run=wire uptime_ms="), say_number(uptime), say("\n");
    listen_for_ever();
}
