// Characters on the virtio console, as a program prints them that does not gather lines.
#include "wire.h"
#include <fcntl.h>
#include <unistd.h>

int characters(long count, struct window *w) {
    if (!load_modules("virtio_ring virtio virtio_pci_modern_dev virtio_pci_legacy_dev virtio_pci virtio_console")) return 0;
    int at = -1;
    for (int tries = 0; tries < 100 && (at = open("/dev/hvc0", O_WRONLY | O_NOCTTY)) < 0; tries++) sleep_ms(100);
    if (at < 0) return 0;
    // What opening it makes is done by then.
    sleep_ms(500);
    long start = now_ms();
    MARK(1);
    for (w->count = 0; w->count < count; w->count++) w->received += write(at, ".", 1) == 1;
    MARK(0);
    w->ms = now_ms() - start;
    write(at, "\n", 1);
    close(at);
    // Without a driver there, what is typed goes to the UART again.
    sleep_ms(200);
    unload_module("virtio_console");
    return 1;
}
