// A QEMU plugin that counts, exactly and per vCPU, the instructions executed in root mode from each #VMEXIT through the
// next VMRUN, by the reason of the exit. README.md says how it is used and what the numbers mean.
#include "counter.h"
#include "plugin_api.h"
#include "svm.h"
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

EXPORT int qemu_plugin_version = PLUGIN_VERSION;

/// What a vCPU is doing. Written by its own thread alone.
struct vcpu {
    uint64_t instructions;                                   // begun; QEMU adds to it inline
    uint64_t guest, entered, left;
    /// Since when the global interrupt flag is clear; 0 while it is set.
    uint64_t held_since;
    /// The VMRUN by which root mode was left; null in root mode.
    const void *running;
    bool has_left;
    enum reason reason;
    unsigned phase;
};
static plugin_scoreboard *scores;
static plugin_u64 instruction_count;
static plugin_register *rax, *rcx;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static const char *file;

struct phase *phases[PHASES_MAX];
unsigned phase_count, vcpu_count;
uint64_t unreadable;

static struct vcpu *vcpu_at(unsigned index) { return qemu_plugin_scoreboard_find(scores, index); }

// Phases ------------------------------------------------------------------------------------------------------------

void instructions_now(struct instructions now[VCPUS_MAX]) {
    for (unsigned i = 0; i < vcpu_count; i++) {
        const struct vcpu *v = vcpu_at(i);
        now[i] = (struct instructions){v->instructions, v->guest + (v->running ? v->instructions - v->entered : 0)};
    }
}

void phase_begin(uint32_t number) {
    pthread_mutex_lock(&lock);
    struct phase *new = phase_count < PHASES_MAX ? calloc(1, sizeof *new) : 0;
    if (new) {
        new->number = number;
        instructions_now(new->begin);
        if (phase_count) memcpy(phases[phase_count - 1]->end, new->begin, sizeof new->begin);
        phases[phase_count] = new;
        __atomic_store_n(&phase_count, phase_count + 1, __ATOMIC_RELEASE);
    }
    pthread_mutex_unlock(&lock);
}

static void on_marker(unsigned vcpu, void *number) {
    (void)vcpu;
    phase_begin((uint32_t)(uintptr_t)number);
    if (file) report_to(file);
}

// Exits and entries ---------------------------------------------------------------------------------------------------

static __thread byte_array *bytes;

static uint64_t value(plugin_register *handle) {
    uint64_t value = 0;
    g_byte_array_set_size(bytes, 0);
    if (handle && qemu_plugin_read_register(handle, bytes) >= 8) memcpy(&value, bytes->data, 8);
    return value;
}
static bool read_word(uint64_t address, uint64_t *word) {
    g_byte_array_set_size(bytes, 0);
    if (!qemu_plugin_read_memory_vaddr(address, bytes, 8) || bytes->length < 8) return false;
    memcpy(word, bytes->data, 8);
    return true;
}

/// Where a control block at a physical address can be read: hypervisors map it one-to-one or, as Linux, behind a
/// constant. What must hold for any VMRUN (APM volume 2, section 15.5.1) tells whether it is one: VMRUN is intercepted,
/// the ASID is not 0 and EFER.SVME is set.
static bool find_control_block(uint64_t physical, uint64_t *at) {
    static const uint64_t maps[] = {0, 0xFFFF888000000000, 0xFF11000000000000};
    for (size_t i = 0; i < sizeof maps / sizeof *maps; i++) {
        uint64_t intercepts, space, efer;
        *at = maps[i] + physical;
        if (read_word(*at + VMCB_INTERCEPTS_HIGH, &intercepts) && intercepts & 1 && read_word(*at + VMCB_ASID, &space) &&
            (uint32_t)space != 0 && read_word(*at + VMCB_EFER, &efer) && efer & EFER_SVME)
            return true;
    }
    return false;
}

static enum reason read_reason(void) {
    uint64_t block, code, info, guest_rax, rip;
    if (!bytes) bytes = g_byte_array_new();
    // #VMEXIT brings back the host's RAX, the operand of VMRUN; RCX is still the guest's.
    if (find_control_block(value(rax), &block) && read_word(block + VMCB_EXIT_CODE, &code) &&
        read_word(block + VMCB_EXIT_INFO1, &info) && read_word(block + VMCB_RAX, &guest_rax) &&
        read_word(block + VMCB_RIP, &rip))
        return code == EXIT_VMMCALL && rip >> 20 == MODEL_MIB ? DEVICE_MODEL : reason_of(code, info, value(rcx), guest_rax);
    __atomic_fetch_add(&unreadable, 1, __ATOMIC_RELAXED);
    return OTHER;
}

// The global interrupt flag is clear from a CLGI or a #VMEXIT to an STGI or a VMRUN (APM volume 2, section 15.17). Those of a
// guest are intercepted.
static void hold(struct vcpu *v) {
    if (!v->held_since) v->held_since = v->instructions;
}
static void release(struct vcpu *v, unsigned index) {
    struct phase *phase = phases[__atomic_load_n(&phase_count, __ATOMIC_ACQUIRE) - 1];
    uint64_t length = v->held_since ? v->instructions - v->held_since : 0;
    if (length > phase->held[index]) phase->held[index] = length;
    v->held_since = 0;
}
static void on_clgi(unsigned index, void *unused) {
    (void)unused;
    if (!vcpu_at(index)->running) hold(vcpu_at(index));
}
static void on_stgi(unsigned index, void *unused) {
    (void)unused;
    if (!vcpu_at(index)->running) release(vcpu_at(index), index);
}

static void on_entry(unsigned index, void *site) {
    struct vcpu *v = vcpu_at(index);
    if (v->running) return;                                  // a guest's VMRUN: it will exit
    release(v, index);
    v->running = site;
    v->entered = v->instructions + 1;
    if (!v->has_left) return;
    struct histogram **h = &phases[v->phase]->vcpus[index].by_reason[v->reason];
    if (!*h) *h = calloc(1, sizeof **h);
    if (*h) histogram_add(*h, v->entered - v->left);
}

static void on_exit_from(unsigned index, void *site) {
    struct vcpu *v = vcpu_at(index);
    if (v->running != site) return;
    v->running = 0;
    hold(v);
    v->has_left = true;
    v->left = v->instructions;
    v->guest += v->left - v->entered;
    v->phase = __atomic_load_n(&phase_count, __ATOMIC_ACQUIRE) - 1;
    v->reason = read_reason();
    if (v->reason == DEVICE_MODEL) phases[v->phase]->model[index] += v->left - v->entered;
}

// Translation -----------------------------------------------------------------------------------------------------------

/// The VMRUN instructions seen so far, by where they lie in the emulator's memory: a guest has none of these addresses.
static const void *sites[64];
static unsigned site_count;

static void note_site(const void *at) {
    pthread_mutex_lock(&lock);
    unsigned i = 0;
    while (i < site_count && sites[i] != at) i++;
    if (i == site_count && i < sizeof sites / sizeof *sites) sites[site_count++] = at;
    pthread_mutex_unlock(&lock);
}
/// The VMRUN that stands right before an instruction, if one does.
static const void *site_before(const char *at) {
    const void *found = 0;
    pthread_mutex_lock(&lock);
    for (unsigned i = 0; i < site_count && !found; i++)
        if (sites[i] == at - 3) found = sites[i];
    pthread_mutex_unlock(&lock);
    return found;
}

static void on_translation(plugin_id id, plugin_tb *block) {
    (void)id;
    for (size_t i = 0, n = qemu_plugin_tb_n_insns(block); i < n; i++) {
        plugin_insn *instruction = qemu_plugin_tb_get_insn(block, i);
        uint8_t code[8] = {0};
        size_t length = qemu_plugin_insn_data(instruction, code, sizeof code);
        char *at = qemu_plugin_insn_haddr(instruction);
        const void *site = at && i == 0 ? site_before(at) : 0;  // VMRUN ends a block
        // Callbacks come before the addition: they see what was begun before this instruction.
        if (site) qemu_plugin_register_vcpu_insn_exec_cb(instruction, on_exit_from, READ_REGISTERS, (void *)site);
        if (at && length == 3 && memcmp(code, "\x0F\x01\xD8", 3) == 0) {
            note_site(at);
            qemu_plugin_register_vcpu_insn_exec_cb(instruction, on_entry, NO_REGISTERS, at);
        }
        if (length == 3 && memcmp(code, "\x0F\x01\xDD", 3) == 0)
            qemu_plugin_register_vcpu_insn_exec_cb(instruction, on_clgi, NO_REGISTERS, 0);
        if (length == 3 && memcmp(code, "\x0F\x01\xDC", 3) == 0)
            qemu_plugin_register_vcpu_insn_exec_cb(instruction, on_stgi, NO_REGISTERS, 0);
        if (length == 7 && memcmp(code, "\x0F\x1F\x80", 3) == 0 && code[5] == 0x56 && code[6] == 0x48) {
            uintptr_t number = code[3] | code[4] << 8;
            qemu_plugin_register_vcpu_insn_exec_cb(instruction, on_marker, NO_REGISTERS, (void *)number);
        }
        qemu_plugin_register_vcpu_insn_exec_inline_per_vcpu(instruction, ADD_U64, instruction_count, 1);
    }
}

// Set-up ----------------------------------------------------------------------------------------------------------------

static void on_vcpu(plugin_id id, unsigned index) {
    (void)id;
    pthread_mutex_lock(&lock);
    if (index + 1 > vcpu_count) vcpu_count = index + 1;
    any_array *registers = rax ? 0 : qemu_plugin_get_registers();
    for (unsigned i = 0; registers && i < registers->length; i++) {
        const plugin_register_description *r = &((plugin_register_description *)registers->data)[i];
        if (strcmp(r->name, "rax") == 0) rax = r->handle;
        if (strcmp(r->name, "rcx") == 0) rcx = r->handle;
    }
    pthread_mutex_unlock(&lock);
}

static void on_end(plugin_id id, void *unused) {
    (void)id, (void)unused;
    if (file) report_to(file);
}

EXPORT int qemu_plugin_install(plugin_id id, const plugin_info *info, int count, char **arguments) {
    if (strcmp(info->target_name, "x86_64") != 0 || !info->system_emulation ||
        info->system.max_vcpus > VCPUS_MAX) {
        fprintf(stderr, "counter: only for x86_64 machines of at most %d cores\n", VCPUS_MAX);
        return -1;
    }
    const char *socket = 0;
    for (int i = 0; i < count; i++) {
        if (strncmp(arguments[i], "report=", 7) == 0) file = strdup(arguments[i] + 7);
        else if (strncmp(arguments[i], "socket=", 7) == 0) socket = arguments[i] + 7;
        else return fprintf(stderr, "counter: no such option: %s\n", arguments[i]), -1;
    }
    scores = qemu_plugin_scoreboard_new(sizeof(struct vcpu));
    instruction_count = (plugin_u64){scores, offsetof(struct vcpu, instructions)};
    phase_begin(0);
    if (socket) service_start(socket);
    qemu_plugin_register_vcpu_init_cb(id, on_vcpu);
    qemu_plugin_register_vcpu_tb_trans_cb(id, on_translation);
    qemu_plugin_register_atexit_cb(id, on_end, 0);
    return 0;
}
