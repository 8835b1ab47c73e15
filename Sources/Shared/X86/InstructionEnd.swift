/// The address behind an instruction of `length` bytes at `rip`. Outside of 64-bit mode the instruction pointer has 32 bits
/// (Intel SDM volume 1, section 3.5): behind the last bytes of 4 GiB comes 0, and an entry with more is none (volume 3C,
/// section 27.3.1.4).
@inline(__always)
public func instructionEnd(_ rip: UInt64, _ length: UInt64, is64Bit: @autoclosure () -> Bool) -> UInt64 {
    let end = rip &+ length
    return UInt32(truncatingIfNeeded: end) < UInt32(truncatingIfNeeded: length) && !is64Bit() ? end & 0xFFFF_FFFF : end
}
