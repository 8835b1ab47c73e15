import LibvirtWire

/// How often clients called what, how that ended and how long it took.
struct CallCounters {
    /// By procedure, of those that libvirt has a name for: what a client makes up is counted together.
    private var calls: [String: UInt64] = [:]
    /// By what clients are told as the error's code.
    private var errors: [RemoteError.Code: UInt64] = [:]
    private var times = Histogram()

    /// - Parameter name: nil: libvirt has none for it.
    mutating func note(_ name: String?, _ error: RemoteError.Code?, _ time: Duration) {
        calls[name ?? "unknown", default: 0] += 1
        if let error { errors[error, default: 0] += 1 }
        times.note(time)
    }

    func write(to page: inout MetricsText) {
        page.family("bulkheadd_calls_total", .counter, "Calls of clients that were answered.") { family in
            for (procedure, count) in calls.sorted(by: { $0.key < $1.key }) {
                family.sample(count, ["procedure": procedure])
            }
        }
        page.family("bulkheadd_errors_total", .counter, "Calls that were answered with an error, by libvirt's code.") {
            for code in RemoteError.Code.allCases {
                $0.sample(errors[code] ?? 0, ["code": "\(code.rawValue)", "error": "\(code)"])
            }
        }
        page.family("bulkheadd_call_seconds", .histogram, "From a call to its answer.", times.write)
    }
}

/// Times, counted by how long they were.
private struct Histogram {
    /// Seconds: from a call that the daemon answers by itself to a start that clears gigabytes.
    private static let bounds = [0.0001, 0.001, 0.01, 0.1, 1, 10, 120]
    private var counts = [UInt64](repeating: 0, count: bounds.count + 1)
    private var sum = 0.0

    mutating func note(_ time: Duration) {
        let seconds = time / .seconds(1)
        counts[Self.bounds.firstIndex { seconds <= $0 } ?? Self.bounds.count] += 1
        sum += seconds
    }

    /// Each bucket has what is in the ones below, as the format wants it.
    func write(to family: inout MetricsText) {
        var below: UInt64 = 0
        for (bound, count) in zip(Self.bounds.map { "\($0)" } + ["+Inf"], counts) {
            below += count
            family.sample(below, ["le": bound], suffix: "_bucket")
        }
        family.sample(sum, suffix: "_sum")
        family.sample(below, suffix: "_count")
    }
}
