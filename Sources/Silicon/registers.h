// Offsets in guest_registers, and what follows it in CoreState.
#define RBX 0
#define RCX 8
#define RDX 16
#define RSI 24
#define RDI 32
#define RBP 40
#define R8 48
#define RAX 112
#define KICKED 120
#define MAGIC 128
#define CORE_MAGIC 0x6C754B6845614421
