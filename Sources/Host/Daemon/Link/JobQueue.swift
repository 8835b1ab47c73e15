/// A job's class of precedence.
enum JobKind {
    /// A read of a client that may change nothing.
    case read
    /// A read of a client that may change something, or keys that it types on a console.
    case ownRead
    /// A change of a partition's state, and what is to be as prompt: a console is opened, a guest is asked to shut down.
    case change
}

/// What waits for the machine, each kind in order and in places of its own: however much is asked by clients that may change
/// nothing, what is asked by the others has its places. Changes come before the two others, and those by turns.
struct JobQueue<Job> {
    private var changes: [Job] = []
    private var reads: [Job] = []
    private var ownReads: [Job] = []
    /// Changes that have gone before others that wait.
    private var overtaking = 0
    private var ownIsNext = false
    /// Jobs of each kind that wait at most; more are refused as busy.
    static var changeCapacity: Int { 192 }
    static var readCapacity: Int { 64 }
    static var ownReadCapacity: Int { 64 }
    /// After so many changes comes one of the others: they do not wait for ever.
    static var maxOvertaking: Int { 8 }

    var count: Int { changes.count + reads.count + ownReads.count }

    /// False: there is no place for it.
    mutating func append(_ job: Job, _ kind: JobKind) -> Bool {
        switch kind {
        case .read: Self.append(job, to: &reads, Self.readCapacity)
        case .ownRead: Self.append(job, to: &ownReads, Self.ownReadCapacity)
        case .change: Self.append(job, to: &changes, Self.changeCapacity)
        }
    }

    private static func append(_ job: Job, to places: inout [Job], _ capacity: Int) -> Bool {
        guard places.count < capacity else { return false }
        places.append(job)
        return true
    }

    mutating func next() -> Job? {
        let othersWait = !reads.isEmpty || !ownReads.isEmpty
        if !changes.isEmpty, !othersWait || overtaking < Self.maxOvertaking {
            if othersWait { overtaking += 1 }
            return changes.removeFirst()
        }
        overtaking = 0
        guard othersWait else { return nil }
        let isOwn = reads.isEmpty || (ownIsNext && !ownReads.isEmpty)
        ownIsNext = !isOwn
        return isOwn ? ownReads.removeFirst() : reads.removeFirst()
    }
}
