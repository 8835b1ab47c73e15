/// What a guest of ours says on its console; `Guests/README.md` is the protocol's reference.
public enum GuestLine: Equatable, Sendable {
    /// User space runs. `activity` is what the guest does from now on, `uptimeMilliseconds` what the kernel's clock
    /// showed at the start of user space.
    case ready(kernel: String, vcpus: Int, activity: String, uptimeMilliseconds: Int? = nil)
    case latency(Latency)
    /// A silent window has started.
    case phase(name: String, seconds: Int)
    case phaseEnd(name: String)
    /// What an activity did in a silent window: wake-ups, system calls, faults, processes.
    case work(name: String, count: Int, milliseconds: Int)
    /// A piece of the histogram of wake-up latencies; see `LatencyHistogram`.
    case histogram([LatencyHistogram.Bucket])
    case memory(bytes: Int, errors: Int)
    case error(String)

    /// Wake-up latency as cyclictest measured it, in microseconds.
    public struct Latency: Equatable, Codable, Sendable {
        public var min: Int
        public var avg: Int
        public var max: Int
        public var samples: Int
    }

    /// Reads one line without its end; nil when the guest's kernel or a person said it.
    public init?(_ line: some StringProtocol) {
        var words = line.split(separator: " ")[...]
        guard words.popFirst() == "@bulkhead", let kind = words.popFirst() else { return nil }
        var fields: [Substring: Substring] = [:]
        for word in words {
            let parts = word.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            if parts.count == 2 { fields[Substring(parts[0])] = Substring(parts[1]) }
        }
        let number = { (key: Substring) in fields[key].flatMap { Int($0) } }
        switch kind {
        case "ready":
            guard let kernel = fields["kernel"], let vcpus = number("vcpus") else { return nil }
            self = .ready(
                kernel: String(kernel), vcpus: vcpus, activity: String(fields["run"] ?? "idle"),
                uptimeMilliseconds: number("uptime_ms"))
        case "latency":
            guard let min = number("min_us"), let avg = number("avg_us"), let max = number("max_us"),
                let samples = number("samples")
            else { return nil }
            self = .latency(Latency(min: min, avg: avg, max: max, samples: samples))
        case "phase":
            guard let name = fields["name"], let seconds = number("seconds") else { return nil }
            self = .phase(name: String(name), seconds: seconds)
        case "phase-end":
            guard let name = fields["name"] else { return nil }
            self = .phaseEnd(name: String(name))
        case "work":
            guard let name = fields["name"], let count = number("count"), let ms = number("ms") else { return nil }
            self = .work(name: String(name), count: count, milliseconds: ms)
        case "histogram":
            self = .histogram(
                words.compactMap { word in
                    let numbers = word.split(separator: "=").map { Int($0) }
                    guard numbers.count == 2, let us = numbers[0], let count = numbers[1] else { return nil }
                    return .init(microseconds: us, count: count)
                })
        case "memory":
            guard let bytes = number("bytes"), let errors = number("errors") else { return nil }
            self = .memory(bytes: bytes, errors: errors)
        case "error": self = .error(words.joined(separator: " "))
        default: return nil
        }
    }
}
