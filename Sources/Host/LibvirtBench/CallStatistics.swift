/// How long the calls of a window took.
public struct CallStatistics: Codable, Equatable, Sendable {
    public let callsPerSecond: Double
    /// Microseconds from a call to its answer, on the client's side.
    public let median: Double
    /// 99 of a hundred calls took no longer, in microseconds.
    public let p99: Double
    /// Microseconds of a processor that the server took for a call, of all its threads: what no busy host disturbs much.
    public let processor: Double

    enum CodingKeys: String, CodingKey {
        case callsPerSecond = "calls_per_second"
        case median = "median_microseconds"
        case p99 = "p99_microseconds"
        case processor = "processor_microseconds"
    }

    /// - Parameters:
    ///   - nanoseconds: of each call; at least one.
    ///   - seconds: how long all of them took together, more than 0.
    ///   - processor: nanoseconds that the server took for all of them.
    public init(nanoseconds: [UInt32], seconds: Double, processor: UInt64 = 0) {
        precondition(!nanoseconds.isEmpty && seconds > 0)
        let sorted = nanoseconds.sorted()
        callsPerSecond = Double(sorted.count) / seconds
        median = Double(Self.percentile(sorted, 50)) / 1000
        p99 = Double(Self.percentile(sorted, 99)) / 1000
        self.processor = Double(processor) / Double(sorted.count) / 1000
    }

    /// The nearest rank: the smallest value that is no smaller than so many of a hundred.
    /// - Parameters:
    ///   - sorted: ascending, at least one.
    ///   - share: 1 to 100.
    static func percentile<T>(_ sorted: [T], _ share: Int) -> T { sorted[(sorted.count * share + 99) / 100 - 1] }

    /// Of an even number of values the lower of the two in the middle.
    static func median(_ values: [Double]) -> Double { percentile(values.sorted(), 50) }
}
