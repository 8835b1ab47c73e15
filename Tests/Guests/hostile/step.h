#include "attack.h"

// The trap comes behind the instruction after POPFQ; behind that of MOV SS too, which holds it back.
#define STEP(name, code) \
    asm(".text\nstep_" #name ": pushfq\n orq $0x100, (%rsp)\n popfq\nstep_" #name "_at: " code "\nstep_" #name \
        "_end: nop\n nop\n jmp probe_done\n"); \
    extern const char step_##name[], step_##name##_at[], step_##name##_end[];
