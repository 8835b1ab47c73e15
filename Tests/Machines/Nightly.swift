import Foundation
import Testing

/// What `./bulkhead test --nightly` runs on top. By hand: `BULKHEAD_DEVICES=1 ./bulkhead test --machine --filter ...`.
enum Nightly {
    static let isOn = ProcessInfo.processInfo.environment["BULKHEAD_DEVICES"] == "1"

    /// What is slow or rare, where another test or argument of the suite stands for it in the ordinary run.
    static func also<Argument>(_ arguments: [Argument]) -> [Argument] { isOn ? arguments : [] }
}

extension Trait where Self == ConditionTrait {
    /// What boots machines for minutes, needs a Debian installation that is made first, or is a second case of what an
    /// ordinary run shows.
    static var nightly: Self { .enabled(if: Nightly.isOn, "BULKHEAD_DEVICES=1 runs it") }
}
