// The UART at 3F8h, polled.
#include "runtime.h"

enum { DATA = 0x3F8, LINE_STATUS = 0x3FD };

void console_put(char c) {
    // A bound on the wait: a guest that ruined its own UART must still end.
    for (uint32_t i = 0; i < 1000000 && !(in8(LINE_STATUS) & 0x20); i++) pause();
    out8(DATA, (uint8_t)c);
}
int console_get(void) {
    uint8_t status = in8(LINE_STATUS);
    return status != 0xFF && (status & 1) ? in8(DATA) : -1;
}
