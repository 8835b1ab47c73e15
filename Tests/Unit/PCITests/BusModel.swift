import Foundation
import PCI
import UnitSupport

/// The functions of a recorded machine, which behave as the specification says: BARs keep their low bits, resets clear what
/// they clear. Records what is written, and what is read or written while it must not be.
final class BusModel: ConfigurationSpace {
    struct Write: Equatable {
        var function: UInt16
        var offset: Int
        var size: Int
        var value: UInt32
    }
    final class Function {
        var bytes = [UInt8](repeating: 0, count: 4096)
        /// Bytes by BAR; from 7 on those of all virtual functions together.
        var barSizes: [Int: UInt64] = [:]
        var group = 0
        var resets: Set<String> = []
        var isVirtual = false
        /// Offsets at which what is written is not kept.
        var forgets: Set<Int> = []

        func word(_ at: Int) -> UInt32 {
            (0..<4).reduce(0) { $0 | UInt32(bytes[at + $1]) << (8 * UInt32($1)) }
        }
    }

    var functions: [UInt16: Function] = [:]
    var writes: [Write] = []
    var reads = 0
    var mistakes: [String] = []
    /// Bridges whose secondary bus is held in reset; for how many more reads what was reset answers with ones.
    var held: Set<UInt16> = []
    var deaf: [UInt16: Int] = [:]
    /// How long functions are deaf after a reset, in reads.
    var recovery = 0

    private static func number(_ text: String, radix: Int = 16) -> Int {
        guard let number = Int(text, radix: radix) else { fatalError("\(text) is not a number") }
        return number
    }

    static func recorded() throws -> BusModel {
        let file = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "q35.txt")
        let model = BusModel()
        var function = Function()
        for line in try String(contentsOf: file, encoding: .utf8).split(separator: "\n") where !line.hasPrefix("#") {
            let words = line.split(separator: " ").map(String.init)
            if words[0] == "function" {
                function = Function()
                function.group = number(words[3], radix: 10)
                if words.count > 5 { function.resets = Set(words[5].split(separator: ",").map(String.init)) }
                model.functions[id(words[1])] = function
            } else if words[0] == "bar" {
                function.barSizes[number(words[1], radix: 10)] = UInt64(number(words[2]))
            } else {
                let at = number(words[0])
                for (i, word) in words.dropFirst().enumerated() {
                    function.bytes.put(UInt32(number(word)), at: at + i * 4)
                }
            }
        }
        return model
    }

    /// Adds a port with these buses behind it, or without any an endpoint.
    func add(_ name: String, buses: ClosedRange<UInt8>? = nil) {
        let function = Function()
        (function.bytes[0], function.bytes[1]) = (0xF4, 0x1A)
        if let buses {
            (function.bytes[0x0A], function.bytes[0x0B], function.bytes[0x0E]) = (4, 6, 1)
            (function.bytes[0x19], function.bytes[0x1A]) = (buses.lowerBound, buses.upperBound)
        }
        functions[Self.id(name)] = function
    }

    /// "04:00.0"
    static func id(_ name: String) -> UInt16 {
        let parts = name.split { ":.".contains($0) }.map { UInt16(number(String($0))) }
        return parts[0] << 8 | parts[1] << 3 | parts[2]
    }

    /// As a scan of the bus finds it.
    func describe(_ name: String) -> FunctionDescription {
        var found = FunctionDescription()
        BusScan(self).forEach { if $0.requester == Self.id(name) { found = $0 } }
        writes = []
        return found
    }

    func read(_ function: UInt16, _ offset: Int, size: Int) -> UInt32 {
        reads += 1
        guard offset % size == 0, offset + size <= 4096 else {
            mistakes.append("read of \(size) at \(offset)")
            return .max
        }
        guard let target = functions[function] else { return .max }
        let ones = UInt32.max >> UInt32(32 - size * 8)
        if held.contains(where: { isBehind(function, $0) }) { return ones }
        if let left = deaf[function], left > 0 {
            deaf[function] = left - 1
            return ones
        }
        if target.isVirtual, offset < 4 { return ones }
        return target.word(offset & ~3) >> UInt32(8 * (offset & 3)) & ones
    }

    func write(_ function: UInt16, _ offset: Int, size: Int, _ value: UInt32) {
        guard offset % size == 0, offset + size <= 4096 else { return mistakes.append("write of \(size) at \(offset)") }
        writes.append(Write(function: function, offset: offset, size: size, value: value))
        guard let target = functions[function] else { return }
        let isBridge = target.bytes[0x0E] & 0x7F == 1
        if 0x10..<(isBridge ? 0x18 : 0x28) ~= offset { return writeBAR(target, offset, value, at: 0x10, first: 0) }
        if let at = target.capability(extended: 0x15), at + 8..<at + 0x38 ~= offset, offset & 4 == 0 {
            // A size that can be written, of the register that the entry names.
            target.barSizes[Int(target.bytes[offset] & 7)] = 1 << UInt64(20 + value >> 8 & 0x3F)
        }
        if let at = target.capability(extended: 0x10), at + 0x24..<at + 0x3C ~= offset, at < 0xFC0 {
            return writeBAR(target, offset, value, at: at + 0x24, first: 7)
        }
        if offset == 6 || target.forgets.contains(offset) { return }
        for i in 0..<size { target.bytes[offset + i] = UInt8(truncatingIfNeeded: value >> (8 * UInt32(i))) }
        if let express = target.capability(0x10), offset == express + 8, value & 0x8000 != 0 {
            target.bytes[express + 9] &= 0x7F
            reset(function, keeps: [express + 8, express + 9])
        }
        if isBridge, offset == 0x3E { hold(function, value & 1 << 6 != 0) }
    }

    private func writeBAR(_ target: Function, _ offset: Int, _ value: UInt32, at base: Int, first: Int) {
        var index = (offset - base) / 4
        if first == 0, target.bytes[4] & 3 != 0, value == .max { mistakes.append("sizing while decoding") }
        let isUpper = index > 0 && target.barSizes[index + first] == nil && target.word(base + index * 4 - 4) & 7 == 4
        if isUpper { index -= 1 }
        guard var size = target.barSizes[index + first] else { return }
        if first == 7, let at = target.capability(extended: 0x10) { size /= UInt64(target.word(at + 0x0C) >> 16) }
        let low = target.word(base + index * 4) & (target.word(base + index * 4) & 1 != 0 ? 3 : 0xF)
        let mask = ~(size - 1)
        let new = isUpper ? value & UInt32(mask >> 32) : value & UInt32(truncatingIfNeeded: mask) | low
        target.bytes.put(new, at: offset)
    }

    func isBehind(_ function: UInt16, _ bridge: UInt16) -> Bool {
        guard let bytes = functions[bridge]?.bytes else { return false }
        return bytes[0x19]...max(bytes[0x19], bytes[0x1A]) ~= UInt8(function >> 8)
    }

    private func hold(_ bridge: UInt16, _ isHeld: Bool) {
        if !isHeld {
            held.remove(bridge)
            return
        }
        held.insert(bridge)
        for other in functions.keys where isBehind(other, bridge) { reset(other, keeps: []) }
    }

    private func reset(_ id: UInt16, keeps: Set<Int>) {
        guard let function = functions[id] else { return }
        deaf[id] = recovery
        function.bytes[4] = 0
        function.bytes[5] = 0
        for bar in 0..<6 where function.barSizes[bar] != nil && function.bytes[0x0E] & 0x7F == 0 {
            let low = function.word(0x10 + bar * 4)
            function.bytes.put(low & (low & 1 != 0 ? 3 : 0xF), at: 0x10 + bar * 4)
        }
        if let express = function.capability(0x10), !keeps.contains(express + 8) { function.bytes[express + 8] = 0x10 }
        if let control = function.capability(extended: 0x0D) { function.bytes[control + 6] = 0 }
        if let virtual = function.capability(extended: 0x10) {
            function.bytes.put(0 as UInt16, at: virtual + 8)
            function.bytes.put(0 as UInt16, at: virtual + 0x10)
            for bar in 0..<6 {
                let low = function.word(virtual + 0x24 + bar * 4)
                function.bytes.put(function.barSizes[bar + 7] == nil ? 0 : low & 0xF, at: virtual + 0x24 + bar * 4)
            }
        }
    }
}

extension BusModel.Function {
    func capability(_ wanted: UInt8) -> Int? {
        var at = Int(bytes[0x34] & 0xFC)
        for _ in 0..<48 where at != 0 {
            if bytes[at] == wanted { return at }
            at = Int(bytes[at + 1] & 0xFC)
        }
        return nil
    }

    func capability(extended wanted: UInt32) -> Int? {
        var at = 0x100
        for _ in 0..<96 where at >= 0x100 {
            if word(at) & 0xFFFF == wanted { return at }
            at = Int(word(at) >> 20 & 0xFFC)
        }
        return nil
    }
}
