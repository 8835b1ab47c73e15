import Foundation

/// What runs of tests came to: how many passed, which did not, and where the time went.
public struct TestReport: Sendable {
    /// One row of the table of times.
    public struct Duration: Sendable, Equatable {
        public var name: String
        public var seconds: Double
        public var tests: Int
    }

    public var passed = 0
    public var failures: [String] = []
    public private(set) var durations: [Duration] = []

    public init() {}

    /// Reads a JUnit report: a test case with a `failure` inside has failed, one with `skipped` counts as neither. Its
    /// suites are rows of the table of times.
    public init(xml: String) {
        var suites: [String: Duration] = [:]
        for piece in xml.components(separatedBy: "<testcase ").dropFirst() {
            let attributes = (" " + piece).prefix { $0 != ">" }
            let inside = attributes.hasSuffix("/") ? "" : piece.components(separatedBy: "</testcase>")[0]
            let name = Self.value(of: "classname", attributes)
            guard !inside.contains("<skipped") else { continue }
            if inside.contains("<failure") {
                failures.append("\(name).\(Self.value(of: "name", attributes))")
            } else {
                passed += 1
            }
            let suite = String(name.split(separator: ".").last ?? "?")
            let seconds = Double(Self.value(of: "time", attributes)) ?? 0
            suites[suite, default: Duration(name: suite, seconds: 0, tests: 0)].seconds += seconds
            suites[suite]?.tests += 1
        }
        durations = suites.values.sorted { $0.name < $1.name }
    }

    /// What one part took as a whole, by the host's clock; it is one row of the table of times, without its suites.
    public mutating func takes(_ seconds: Double, as name: String) {
        durations = [Duration(name: name, seconds: seconds, tests: passed + failures.count)]
    }

    public static func += (a: inout TestReport, b: TestReport) {
        a.passed += b.passed
        a.failures += b.failures
        a.durations += b.durations
    }

    /// The longest first; what took less than a second is one row.
    public var slowest: [Duration] {
        let long = durations.filter { $0.seconds >= 1 }.sorted { ($1.seconds, $0.name) < ($0.seconds, $1.name) }
        let short = durations.filter { $0.seconds < 1 }
        guard !short.isEmpty else { return long }
        let rest = Duration(
            name: "others", seconds: short.reduce(0) { $0 + $1.seconds }, tests: short.reduce(0) { $0 + $1.tests })
        return long + [rest]
    }

    private static func value(of key: String, _ attributes: Substring) -> String {
        let parts = attributes.components(separatedBy: " \(key)=\"")
        return parts.count > 1 ? String(parts[1].prefix { $0 != "\"" }) : "?"
    }
}
