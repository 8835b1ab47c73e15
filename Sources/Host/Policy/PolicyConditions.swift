import Foundation
import Manifest
import ManifestFile

/// What is so when a call comes.
public struct PolicyFacts: Sendable {
    /// The machine's name; nil: it has not answered yet.
    public var machine: String?
    public var trust: TrustAnchors
    public var time: Date

    public init(machine: String?, trust: TrustAnchors, time: Date = Date()) {
        (self.machine, self.trust, self.time) = (machine, trust, time)
    }
}

/// What must be so for a rule to allow anything.
struct PolicyConditions: Equatable, Sendable {
    /// That are there, and that are not.
    var trust = TrustAnchors()
    var without = TrustAnchors()
    var machine: String?
    /// Minutes of the day in UTC, from the first on and before the second; where that is the lower one, over midnight.
    var hours: (from: Int, to: Int)?
    /// 1 is Monday; empty: any.
    var days: Set<Int> = []

    static let anchors: [(name: String, value: TrustAnchors)] = [
        ("secure-boot", .secureBoot), ("tpm", .tpm), ("owner-key", .ownerKey),
    ]
    static let dayNames = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]

    static func == (a: Self, b: Self) -> Bool {
        a.trust == b.trust && a.without == b.without && a.machine == b.machine && a.days == b.days
            && a.hours?.from == b.hours?.from && a.hours?.to == b.hours?.to
    }

    /// The first that is not so, in words; nil: all are.
    func unmet(_ facts: PolicyFacts) -> String? {
        for (name, anchor) in Self.anchors {
            let isThere = facts.machine != nil && facts.trust.contains(anchor)
            if trust.contains(anchor), !isThere { return "only with \(name)" }
            if without.contains(anchor), isThere || facts.machine == nil { return "only without \(name)" }
        }
        if let machine, machine != facts.machine { return "only on machine \(quoted(machine))" }
        // Minutes since 1970 began, a Thursday at midnight.
        let minutes = Int(clamping: Int64((facts.time.timeIntervalSince1970 / 60).rounded(.down)))
        let day = Self.modulo(minutes / 1440 - (minutes % 1440 < 0 ? 1 : 0) + 3, 7) + 1
        if !days.isEmpty, !days.contains(day) {
            return "only on " + days.sorted().map { Self.dayNames[$0 - 1] }.joined(separator: ", ")
        }
        if let hours {
            let now = Self.modulo(minutes, 1440)
            let isWithin =
                hours.from < hours.to ? (hours.from..<hours.to).contains(now) : now >= hours.from || now < hours.to
            if !isWithin { return "only from \(Self.clock(hours.from)) to \(Self.clock(hours.to)) UTC" }
        }
        return nil
    }

    private static func modulo(_ a: Int, _ b: Int) -> Int { (a % b + b) % b }

    static func clock(_ minutes: Int) -> String {
        let (hour, minute) = minutes.quotientAndRemainder(dividingBy: 60)
        return "\(hour < 10 ? "0" : "")\(hour):\(minute < 10 ? "0" : "")\(minute)"
    }
}
