// The partition's loader, as Tools/build-metal has just built it; loader_image.h names the file.
#include "loader_image.h"

    .section .rodata.loader, "a"
    .balign 8
    .globl loader_start, loader_end
    .hidden loader_start, loader_end
loader_start:
    .incbin LOADER_IMAGE
loader_end:
