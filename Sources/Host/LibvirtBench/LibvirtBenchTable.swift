import Foundation

extension LibvirtBenchReport {
    /// For people.
    public var text: String {
        let hasBoth = libvirtVersion != nil
        var lines = [
            "calls a second; microseconds of a call, median and 99th percentile; of the server's processors for each"
        ]
        lines.append(
            "call  connections" + Self.right("bulkheadd", 31)
                + (hasBoth ? Self.right("libvirtd \(libvirtVersion ?? "")", 31) + "   ratio" : ""))
        for figure in figures {
            var line = figure.call.rawValue.padding(toLength: 6, withPad: " ", startingAt: 0)
            line += Self.right("\(figure.connections)", 11) + Self.columns(figure.bulkheadd)
            if let libvirtd = figure.libvirtd, let ratio = figure.ratio {
                line += Self.columns(libvirtd) + Self.right(Self.decimal(ratio), 8)
            }
            lines.append(line)
        }
        for memory in memory {
            lines.append(
                "memory of \(memory.server): \(Self.megabytes(memory.idleBytes)) MB, "
                    + "with \(connections) connections \(Self.megabytes(memory.connectedBytes)) MB")
        }
        if hasBoth {
            lines.append("ratio: ours by libvirtd's in the same round, the middle of \(rounds); above 1 ours is faster")
        }
        return lines.joined(separator: "\n")
    }

    private static func columns(_ statistics: CallStatistics) -> String {
        right("\(Int(statistics.callsPerSecond.rounded()))", 9) + right("\(Int(statistics.median.rounded()))", 8)
            + right("\(Int(statistics.p99.rounded()))", 8)
            + right("\(Int(statistics.processor.rounded()))", 6)
    }

    private static func right(_ text: String, _ width: Int) -> String {
        String(repeating: " ", count: max(width - text.count, 1)) + text
    }

    private static func decimal(_ value: Double) -> String {
        let hundredths = Int((value * 100).rounded())
        return "\(hundredths / 100).\(hundredths % 100 < 10 ? "0" : "")\(hundredths % 100)"
    }

    private static func megabytes(_ bytes: Int) -> String {
        let tenths = (bytes * 10 + 500_000) / 1_000_000
        return "\(tenths / 10).\(tenths % 10)"
    }
}
