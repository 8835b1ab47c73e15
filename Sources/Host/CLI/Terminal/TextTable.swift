/// Rows in aligned columns, as `ps` and `stats` print them.
struct TextTable {
    private var rows: [[String]]
    /// Columns that hold numbers: aligned to the right.
    private let numbers: Set<Int>

    init(_ header: [String], numbers: Set<Int>) {
        rows = [header]
        self.numbers = numbers
    }

    mutating func add(_ row: [String]) { rows.append(row) }

    var lines: [String] {
        let widths = rows[0].indices.map { column in rows.map { $0[column].count }.max() ?? 0 }
        return rows.map { row in
            let cells = row.enumerated().map { column, cell in
                let gap = String(repeating: " ", count: widths[column] - cell.count)
                return numbers.contains(column) ? gap + cell : cell + gap
            }
            var line = cells.joined(separator: "  ")
            while line.last == " " { line.removeLast() }
            return line
        }
    }
}

/// Quantities for people.
enum Show {
    /// Bytes in the largest binary unit that leaves at most four digits, e.g. "512 MiB".
    static func bytes(_ count: UInt64) -> String {
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
    static func time(_ microseconds: UInt64) -> String {
        let seconds = microseconds / 1_000_000
        if microseconds < 1_000_000 { return "\(microseconds / 1000).\(microseconds / 100 % 10) ms" }
        if seconds < 60 { return "\(seconds).\(microseconds / 100_000 % 10) s" }
        let minutes = seconds / 60 % 60
        let rest = seconds % 60
        return "\(seconds / 3600):\(minutes < 10 ? "0" : "")\(minutes):\(rest < 10 ? "0" : "")\(rest)"
    }

    /// A set of cores, e.g. "0-2,5".
    static func cores(_ mask: UInt64) -> String {
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
}
