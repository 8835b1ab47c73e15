// The partitions' device model, as Tools/build-metal has just built it; model_image.h names the file.
#include "model_image.h"

    .section .rodata.model, "a"
    .balign 4096
    .globl model_start, model_end
    .hidden model_start, model_end
model_start:
    .incbin MODEL_IMAGE
    .balign 4096
model_end:
