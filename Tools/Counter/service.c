// The counter's socket: a line asks, an answer comes, the connection is closed.
#include "counter.h"
#include <pthread.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static int listener;

static void answer(FILE *line) {
    char text[64] = "";
    unsigned number;
    if (!fgets(text, sizeof text, line)) return;
    if (sscanf(text, "phase %u", &number) == 1) {
        phase_begin(number);
        fprintf(line, "%u\n", phase_count - 1);
    } else if (strncmp(text, "report", 6) == 0) {
        report(line);
    } else {
        fputs("ask for \"report\" or \"phase NUMBER\"\n", line);
    }
}

static void *serve(void *unused) {
    (void)unused;
    for (;;) {
        int connection = accept(listener, 0, 0);
        if (connection < 0) continue;
        FILE *line = fdopen(connection, "r+");
        if (!line) { close(connection); continue; }
        answer(line);
        fclose(line);
    }
    return 0;
}

void service_start(const char *path) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    pthread_t thread;
    strncpy(address.sun_path, path, sizeof address.sun_path - 1);
    unlink(path);
    listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (listener < 0 || bind(listener, (void *)&address, sizeof address) != 0 || listen(listener, 4) != 0)
        return perror(path);
    if (pthread_create(&thread, 0, serve, 0) == 0) pthread_detach(thread);
}
