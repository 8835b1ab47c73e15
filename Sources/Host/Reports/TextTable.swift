/// Rows in aligned columns, as `ps` and `stats` print them.
public struct TextTable {
    private var rows: [[String]]
    /// Columns that hold numbers: aligned to the right.
    private let numbers: Set<Int>

    public init(_ header: [String], numbers: Set<Int>) {
        rows = [header]
        self.numbers = numbers
    }

    public mutating func add(_ row: [String]) { rows.append(row) }

    public var lines: [String] {
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
