/// What the daemon's loop is still to be told of the machine. It stays short when the machine tells more than the loop takes:
/// further events are dropped, and of the looks at the partitions between two other news only the newest is kept, behind the events:
/// it has what came of them.
struct NewsQueue {
    private var news: [MachineNews] = []
    private var events = 0
    /// Events that were dropped and not told of.
    private var dropped: UInt64 = 0
    /// Events that wait at most.
    static let maxEvents = 256

    var count: Int { news.count }

    /// Whether the loop has to be asked to take it: it has not been asked since it last did.
    mutating func append(_ new: MachineNews) -> Bool {
        let isFirst = news.isEmpty
        var new = new
        switch (news.last, new) {
        case (_, .event(var event)):
            guard events < Self.maxEvents else {
                dropped = dropped.clampedPlus(event.lost).clampedPlus(1)
                return false
            }
            events += 1
            event.lost = event.lost.clampedPlus(dropped)
            (new, dropped) = (.event(event), 0)
        case (_, .partitions):
            let last = news.lastIndex { if case .event = $0 { false } else { true } }
            if let last, case .partitions = news[last] { news.remove(at: last) }
        case (.down, .down): news.removeLast()
        default: break
        }
        news.append(new)
        return isFirst
    }

    /// All of it, in order.
    mutating func take() -> [MachineNews] {
        defer { (news, events) = ([], 0) }
        return news
    }
}
