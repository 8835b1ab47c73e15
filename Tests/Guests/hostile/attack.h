// The hostile guest: a table of attacks, each a number of attempts.
#pragma once
#include "runtime.h"

/// `argument` is what stands behind the colon of `name:argument`, or "".
struct attack {
    const char *name;
    void (*run)(const char *argument);
    /// Whether the guest is expected not to survive it, so that `attack=all` leaves it out.
    bool deadly;
};
extern const struct attack attacks[];
extern const size_t attack_count;

/// Reports what an attempt saw: `@attempt NAME seen=WORD,N-WORD,WORD=N...`, no spaces in the words. Whether that is as it
/// should be is said by the host's table, Tests/Guests/attempts.yaml.
void attempt(const char *name, const char *seen, ...) __attribute__((format(printf, 2, 3)));
/// One detail of an attempt that found something, `@finding NAME ...`; the first 24 of an attempt are printed.
void finding(const char *name, const char *format, ...) __attribute__((format(printf, 2, 3)));
/// Announces an attempt that may end this guest: `@try NAME`.
void announce(const char *name, const char *argument);
/// An announced attempt did not end this guest: `@survived NAME`.
void survived(const char *name, const char *argument);

/// Interrupts and NMIs seen so far, by vector.
extern volatile uint64_t interrupts[256];

void attack_memory(const char *argument);
void attack_residue(const char *argument);
void attack_residue_outside(const char *argument);
void attack_tables(const char *argument);
void attack_pci(const char *argument);
void attack_dma(const char *argument);
void attack_engine(const char *argument);
void attack_entropy(const char *argument);
void attack_forge(const char *argument);
void attack_race(const char *argument);
void attack_config(const char *argument);
void attack_messages(const char *argument);
void attack_virtio(const char *argument);
void attack_wire(const char *argument);
void attack_port(const char *argument);
void attack_firmware(const char *argument);
void attack_machine_checks_on(const char *argument);
void attack_hypercalls(const char *argument);
void attack_storm(const char *argument);
void attack_task_switch(const char *argument);
void attack_ports(const char *argument);
void attack_port_strings(const char *argument);
void attack_watchdog(const char *argument);
void attack_msrs(const char *argument);
void attack_cpuid(const char *argument);
void attack_instructions(const char *argument);
void attack_reserved(const char *argument);
void attack_operands(const char *argument);
void attack_calls(const char *argument);
void attack_bars(const char *argument);
void attack_stepping(const char *argument);
void attack_registers(const char *argument);
void attack_steps(const char *argument);
void attack_ipis(const char *argument);
void attack_own_ipis(const char *argument);
void attack_apic(const char *argument);
void attack_storms(const char *argument);
void attack_spin(const char *argument);
void attack_wedge(const char *argument);
void attack_triple(const char *argument);
void attack_panic(const char *argument);
void attack_fault(const char *argument);
void attack_loader(const char *argument);
void attack_module(const char *argument);
void attack_second(const char *argument);
void attack_reset(const char *argument);
void attack_power_off(const char *argument);
void attack_mode(const char *argument);

/// Sums up the guest's own program text, to notice when an emulated instruction wrote where it should not.
uint64_t own_checksum(void);
volatile void *map_outside_address(uint64_t address);
volatile void *map_outside(const char *argument);
