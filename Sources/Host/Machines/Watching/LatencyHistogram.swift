/// Wake-up latencies as the guest's `histogram` activity prints them: single microseconds below 100, steps of ten below
/// 1000, of a hundred below 10000; the last bucket holds all that are longer.
public struct LatencyHistogram: Equatable, Codable, Sendable {
    public struct Bucket: Equatable, Codable, Sendable {
        /// The shortest latency that belongs here.
        public var microseconds: Int
        public var count: Int
        public init(microseconds: Int, count: Int) {
            self.microseconds = microseconds
            self.count = count
        }
    }

    /// In ascending order; buckets with nothing in them are left out.
    public private(set) var buckets: [Bucket] = []

    public init() {}

    public mutating func add(_ more: [Bucket]) {
        buckets = (buckets + more).sorted { $0.microseconds < $1.microseconds }
    }

    public var samples: Int { buckets.reduce(0) { $0 + $1.count } }

    /// How wide the bucket is that starts at so many microseconds; nil for the last, which has no end.
    public static func width(at microseconds: Int) -> Int? {
        switch microseconds {
        case ..<100: 1
        case ..<1000: 10
        case ..<10000: 100
        default: nil
        }
    }

    /// The lower edge of the bucket in which the share `part` (0 to 1) of all samples is reached; nil when empty.
    public func quantile(_ part: Double) -> Int? {
        let wanted = part * Double(samples)
        var sum = 0
        for bucket in buckets {
            sum += bucket.count
            if Double(sum) >= wanted { return bucket.microseconds }
        }
        return nil
    }
}
