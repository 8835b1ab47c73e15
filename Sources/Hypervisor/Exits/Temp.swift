import Control
import Synchronization
import Platform
import Manifest
import Silicon
import X86
extension Lifecycle {
  mutating func answerCPUID(_ core: borrowing CoreState) -> Next {
    let leaf = UInt32(truncatingIfNeeded: cpu.rax), sub = UInt32(truncatingIfNeeded: cpu.rcx)
    var r = cpu_cpuid(leaf, sub)
    switch leaf {
    case 1: r.ecx = r.ecx & ~(1 << 3 | 1 << 24 | 1 << 15 | 1<<5) | 1 << 21 | 1 << 31; if cpu.cr4 & CR4.osXSAVE == 0 { r.ecx &= ~(1<<27) }; r.edx &= ~(1 << 7 | 1 << 12 | 1 << 14)
    case 6: r = cpuid_result(eax: 4, ebx: 0, ecx: 0, edx: 0)
    case 7: if sub == 0 { r.ebx &= ~2; r.ecx &= ~(1<<16); r.edx = 0 }
    case 0xB: 
       let n = UInt32(partition.value.vcpuCount)
       if sub == 0 { r = cpuid_result(eax: 0, ebx: 1, ecx: 0x100, edx: core.apicID) }
       else if sub == 1 { r = cpuid_result(eax: 4, ebx: n, ecx: 0x201, edx: core.apicID) }
       else { r = cpuid_result(eax: 0, ebx: 0, ecx: sub, edx: core.apicID) }
    case 0x80000001: r.ecx &= ~(1<<2 | 1<<9 | 1<<10 | 1<<12 | 1<<13 | 1<<15 | 1<<22 | 1<<23 | 1<<29)
    case 0x80000007: r.edx = 1 << 8
    case 0x8000000A, 0x1b...0x1f, 0x21, 0x80000026, 0x15, 0x16, 0xA, 0x80000022: r = cpuid_result(eax:0,ebx:0,ecx:0,edx:0)
    case 0x40000000: r = cpuid_result(eax: 0x40000010, ebx: 0x61774d56, ecx: 0x4d566572, edx: 0x65726177)
    case 0x40000010: r = cpuid_result(eax: UInt32(truncatingIfNeeded: partition.value.platform.tscKHz), ebx: 1000000, ecx: 1, edx: 0)
    case 0x40000001...0x4FFFFFFF: r = cpuid_result(eax:0,ebx:0,ecx:0,edx:0)
    default: break
    }
    cpu.rax = UInt64(r.eax); cpu.rbx = UInt64(r.ebx); cpu.rcx = UInt64(r.ecx); cpu.rdx = UInt64(r.edx)
    cpu.skip(2)
    return .resume }
  mutating func hyper() -> Next {
    let c = UInt16(truncatingIfNeeded: cpu.rcx)
    if c == 45 { let hz = partition.value.platform.tscKHz; let h = UInt64(hz) * 1000
       cpu.rax = h & 0xffffffff; cpu.rbx = h >> 32; cpu.rcx = 1_000_000_000 }
    else if c == 68 { cpu.rax = 8 } else { cpu.rax = 0xffffffff }
    cpu.skip(3); return .resume }
  mutating func readMSR(_ core: borrowing CoreState) -> Next {
    let n = UInt32(truncatingIfNeeded: cpu.rcx)
    var v: UInt64 = 0
    switch n {
    case MSR.efer: v = cpu.efer
    case 0x1B: v = cpu_rdmsr(0x1B)
    case 0x8B, 0xC0011029, 0xC0010015, 0xC001001F: v = 0
    default: 
      var l = Line("rdmsr "); l.write(hexadecimal: UInt64(n)); partition.value.board.value.post(l)
      cpu.raise(13, error: 0); return .resume
    }
    cpu.rax = v & 0xffffffff; cpu.rdx = v >> 32; cpu.skip(2)
    return .resume }
  mutating func writeMSR(_ core: borrowing CoreState) -> Next {
    let n = UInt32(truncatingIfNeeded: cpu.rcx)
    let v = cpu.rax & 0xffffffff | cpu.rdx << 32
    if n == MSR.x2apicICR { return sendInterrupt(InterruptCommand(rawValue: v), core) }
    count(.msr, core)
    switch n {
    case MSR.efer: cpu.efer = v & 0xD01 | (cpu.efer & 0x400); cpu.skip(2)
    case 0x8B, 0xC0011029, 0xC0010015, 0xC001001F, 0x49: cpu.skip(2)
    default: 
      var l = Line("wrmsr "); l.write(hexadecimal: UInt64(n)); partition.value.board.value.post(l)
      cpu.raise(13, error: 0)
    }
    return .resume }
}
