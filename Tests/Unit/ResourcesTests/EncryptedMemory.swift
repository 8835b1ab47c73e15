import Resources

/// A memory controller with keys, and the caches in front of it: the model of what the manuals say and no emulator shows.
///
/// Caches hold plain bytes, tagged by the full address, bits of the key among them: two addresses that differ in the key alone are two
/// lines, and nothing keeps them alike (Intel 336907, section 2.4). What leaves the caches is encrypted by the key that the address
/// names at that moment, with the address as a tweak; what enters is decrypted so. A line is a 64-bit word here.
final class EncryptedMemory {
    private var keys: [UInt64: UInt64] = [:]
    private(set) var cells: [UInt64: UInt64] = [:]
    private var lines: [UInt64: (value: UInt64, isDirty: Bool)] = [:]
    private let keyBits: UInt64
    private var seed: UInt64 = 0x9E37_79B9_7F4A_7C15
    /// Answers that PCONFIG gives before it succeeds.
    var answers: [UInt64] = []
    private(set) var programs: [UInt64] = []

    init(keyBits: UInt64) { self.keyBits = keyBits }

    private func cipher(_ address: UInt64) -> UInt64 {
        var x = keys[address & keyBits, default: 0] ^ (address & ~keyBits) &* 0xD6E8_FEB8_6659_FD93
        for _ in 0..<3 { x = (x ^ x >> 32) &* 0xD6E8_FEB8_6659_FD93 }
        return x
    }

    func read(_ address: UInt64) -> UInt64 {
        if let line = lines[address] { return line.value }
        let value = cells[address & ~keyBits, default: 0] ^ cipher(address)
        lines[address] = (value, false)
        return value
    }

    func write(_ address: UInt64, _ value: UInt64) { lines[address] = (value, true) }

    /// What an eviction does at any moment.
    func evict(_ address: UInt64) {
        guard let line = lines.removeValue(forKey: address) else { return }
        if line.isDirty { cells[address & ~keyBits] = line.value ^ cipher(address) }
    }
    func evictAll() { for address in lines.keys { evict(address) } }
    /// Who plugs the module into another machine.
    func stolen(_ address: UInt64) -> UInt64 { cells[address & ~keyBits, default: 0] }

    /// PCONFIG with the block's first 8 bytes. A reserved bit is #GP.
    func program(_ head: UInt64, shift: UInt64) -> UInt64 {
        programs.append(head)
        precondition(head >> 48 == 0 && head >> 16 & 0xFF == 1 && (head >> 24 & 0xFFFF).nonzeroBitCount == 1, "#GP")
        if !answers.isEmpty { return answers.removeFirst() }
        seed = seed &* 6_364_136_223_846_793_005 &+ 1
        keys[(head & 0xFFFF) << shift] = seed
        return 0
    }
}

/// One partition's words in such memory, reached by its own key.
struct PartitionMemory {
    let memory: EncryptedMemory
    let base: UInt64
    let shift: UInt64
    let bits: UInt64
    var addresses: [UInt64] { (0..<16).map { base + $0 * 64 | bits } }
    /// A sequence that is wrong on purpose leaves this out.
    var flushes = true

    func flush() { if flushes { for address in addresses { memory.evict(address) } } }
    func program(_ key: UInt64) -> UInt64 { memory.program(key, shift: shift) }
    func clear() { for address in addresses { memory.write(address, 0) } }

    func renew(key: UInt64) -> UInt64 { renewKeyedMemory(key: key, flush: flush, program: program, clear: clear) }
}
