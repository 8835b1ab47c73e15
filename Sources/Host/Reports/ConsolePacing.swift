/// How long a console waits before it asks for more. An answer to a key comes within some milliseconds, and output comes in
/// bursts: for a fifth of a second behind either it asks often, and then, on a console on which nothing happens, ever less.
public struct ConsolePacing: Sendable {
    /// Seconds.
    static let shortest = 0.01, longest = 0.1
    static let shortWaits = 20

    private var waits = 0

    public init() {}

    /// Something was typed: the answer is due.
    public mutating func restart() { waits = 0 }

    /// Seconds until the next question.
    /// - Parameter came: how many bytes the last one brought; where there were some, more may be there.
    public mutating func wait(came: Int) -> Double {
        guard came == 0 else {
            restart()
            return 0
        }
        waits = min(waits + 1, Self.shortWaits + 4)
        let doublings = max(waits - Self.shortWaits, 0)
        return min(Self.shortest * Double(1 << doublings), Self.longest)
    }
}
