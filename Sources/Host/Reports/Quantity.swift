import Foundation

/// Quantities for people, and what people write for them.
public enum Quantity {
    /// Bytes in the largest binary unit that leaves at most four digits, e.g. "512 MiB".
    public static func bytes(_ count: UInt64) -> String {
        var value = count
        var unit = 0
        let units = ["B", "KiB", "MiB", "GiB", "TiB"]
        while value >= 1024, value % 1024 == 0 || value >= 10_000, unit < units.count - 1 {
            value /= 1024
            unit += 1
        }
        return "\(value) \(units[unit])"
    }

    /// A time in microseconds, e.g. "41.3 ms", "12.5 s", "3:07:12".
    public static func time(_ microseconds: UInt64) -> String {
        let seconds = microseconds / 1_000_000
        if microseconds < 1_000_000 { return "\(microseconds / 1000).\(microseconds / 100 % 10) ms" }
        if seconds < 60 { return "\(seconds).\(microseconds / 100_000 % 10) s" }
        let minutes = seconds / 60 % 60
        let rest = seconds % 60
        return "\(seconds / 3600):\(minutes < 10 ? "0" : "")\(minutes):\(rest < 10 ? "0" : "")\(rest)"
    }

    /// Whole seconds as on a clock, e.g. "0:07", "59:59", "3:07:12".
    public static func clock(_ seconds: Double) -> String {
        let whole = Int(seconds)
        return whole < 3600
            ? String(format: "%d:%02d", whole / 60, whole % 60)
            : String(format: "%d:%02d:%02d", whole / 3600, whole / 60 % 60, whole % 60)
    }

    /// A set of cores, e.g. "0-2,5".
    public static func cores(_ mask: UInt64) -> String {
        var parts: [String] = []
        var core = 0
        while core < 64 {
            guard mask >> UInt64(core) & 1 != 0 else {
                core += 1
                continue
            }
            let first = core
            while core < 64, mask >> UInt64(core) & 1 != 0 { core += 1 }
            parts.append(core - 1 == first ? "\(first)" : "\(first)-\(core - 1)")
        }
        return parts.joined(separator: ",")
    }

    /// The seconds that a number with s, m or h behind it (s when nothing is) stands for; nil when it is none.
    public static func seconds(_ text: String) -> Int? {
        let units: [Character: Int] = ["s": 1, "m": 60, "h": 3600]
        guard let last = text.last else { return nil }
        let unit = units[last]
        guard let count = Int(unit == nil ? text[...] : text.dropLast()), count >= 0 else { return nil }
        let (seconds, overflow) = count.multipliedReportingOverflow(by: unit ?? 1)
        return overflow ? nil : seconds
    }

    public static func hexadecimal(_ value: UInt64) -> String { "0x" + String(value, radix: 16) }
}
