// What the parts of the counter share.
#pragma once
#include <stdint.h>
#include <stdio.h>

enum { VCPUS_MAX = 32, PHASES_MAX = 128, DENSE = 1 << 16 };

/// Why a guest left, in the words of Bulkhead's own counters, then what only other hypervisors intercept.
enum reason {
    CPUID, MSR, PORT, ICR, NESTED_PAGE_FAULT, NMI, HYPERCALL, HALT, INIT_SIPI, SHUTDOWN, REFUSED_INSTRUCTION,
    CACHE_CONTROL, EXCEPTION, OTHER, DEVICE_MODEL, INTERRUPT, INTERRUPT_WINDOW, CONTROL_REGISTER, PAUSE, REASONS,
};
extern const char *const reason_names[REASONS];
/// - Parameters: the VMCB's EXITCODE and EXITINFO1, the guest's RCX and RAX.
enum reason reason_of(uint64_t code, uint64_t info, uint64_t rcx, uint64_t rax);

/// Instructions in root mode, one value an exit. Values below DENSE are kept exactly.
struct histogram {
    uint64_t count, total;
    uint64_t least, most;
    /// Of those that are not kept exactly: how many, and their sum.
    uint64_t long_count, long_total;
    uint32_t dense[DENSE];
};
void histogram_add(struct histogram *, uint64_t value);
void histogram_merge(struct histogram *to, const struct histogram *from);
/// The value below or at which `share` of all lie; the largest one where that is not kept exactly.
uint64_t histogram_quantile(const struct histogram *, double share);

/// One vCPU in one phase; allocated when its first exit comes.
struct tally {
    struct histogram *by_reason[REASONS];
};
/// A vCPU's instructions at a moment: all, and those of its guest.
struct instructions {
    uint64_t all, guest;
};
/// From one marker to the next.
struct phase {
    uint32_t number;
    struct tally vcpus[VCPUS_MAX];
    struct instructions begin[VCPUS_MAX], end[VCPUS_MAX];
    /// The most instructions in a row with the global interrupt flag clear, of those rows that ended in this phase.
    uint64_t held[VCPUS_MAX];
    /// Instructions of device models, up to their hypercalls.
    uint64_t model[VCPUS_MAX];
};
extern struct phase *phases[PHASES_MAX];
extern unsigned phase_count, vcpu_count;

/// Begins a phase; more than PHASES_MAX go into the last one.
void phase_begin(uint32_t number);
/// What the vCPUs have executed so far.
void instructions_now(struct instructions now[VCPUS_MAX]);
/// VMCBs that could not be read: their exits are `other`.
extern uint64_t unreadable;

void report(FILE *);
/// Writes the report to `path`, in one step as others see it.
void report_to(const char *path);
/// Listens at a UNIX socket: "report" answers with the report, "phase N" begins a phase and answers with its index.
void service_start(const char *path);
