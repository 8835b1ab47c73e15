// The part of QEMU's plugin interface that the counter uses, in version 4 (QEMU 9.2 and later). No Debian package
// brings the header; what stands here is the interface as such: names, argument types and constants.
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define EXPORT __attribute__((visibility("default")))
#define PLUGIN_VERSION 4

typedef uint64_t plugin_id;
typedef struct {
    const char *target_name;
    struct { int min, cur; } version;
    bool system_emulation;
    struct { int smp_vcpus, max_vcpus; } system;
} plugin_info;

typedef struct plugin_tb plugin_tb;
typedef struct plugin_insn plugin_insn;
typedef struct plugin_scoreboard plugin_scoreboard;
typedef struct plugin_register plugin_register;
typedef struct { plugin_scoreboard *score; size_t offset; } plugin_u64;
// GLib's arrays, as far as they are public.
typedef struct { uint8_t *data; unsigned length; } byte_array;
typedef struct { char *data; unsigned length; } any_array;
typedef struct { plugin_register *handle; const char *name, *feature; } plugin_register_description;

enum { NO_REGISTERS = 0, READ_REGISTERS = 1 };
enum { ADD_U64 = 0 };

size_t qemu_plugin_tb_n_insns(const plugin_tb *);
plugin_insn *qemu_plugin_tb_get_insn(const plugin_tb *, size_t index);
size_t qemu_plugin_insn_data(const plugin_insn *, void *to, size_t length);
void *qemu_plugin_insn_haddr(const plugin_insn *);
void qemu_plugin_register_vcpu_tb_trans_cb(plugin_id, void (*)(plugin_id, plugin_tb *));
void qemu_plugin_register_vcpu_init_cb(plugin_id, void (*)(plugin_id, unsigned vcpu));
void qemu_plugin_register_vcpu_insn_exec_cb(plugin_insn *, void (*)(unsigned vcpu, void *), int flags, void *);
void qemu_plugin_register_vcpu_insn_exec_inline_per_vcpu(plugin_insn *, int operation, plugin_u64, uint64_t);
void qemu_plugin_register_atexit_cb(plugin_id, void (*)(plugin_id, void *), void *);
plugin_scoreboard *qemu_plugin_scoreboard_new(size_t element);
void *qemu_plugin_scoreboard_find(plugin_scoreboard *, unsigned vcpu);
any_array *qemu_plugin_get_registers(void);
int qemu_plugin_read_register(plugin_register *, byte_array *);
bool qemu_plugin_read_memory_vaddr(uint64_t address, byte_array *, size_t length);

byte_array *g_byte_array_new(void);
byte_array *g_byte_array_set_size(byte_array *, unsigned);
