/// What a job does to the machine.
enum JobKind {
    case read
    /// It fetches what a guest writes on its console, for clients that may change something.
    case console
    case change
}

/// What waits for the machine, each kind in order and in places of its own: clients that may not change anything can keep out
/// neither those that do nor what a console brings. Changes come before the two others, and those by turns.
struct JobQueue<Job> {
    private var changes: [Job] = []
    private var reads: [Job] = []
    private var consoles: [Job] = []
    /// Changes that have gone before others that wait.
    private var overtaking = 0
    private var consoleIsNext = false
    /// Jobs of each kind that wait at most; more are refused as busy.
    static var changeCapacity: Int { 192 }
    static var readCapacity: Int { 64 }
    static var consoleCapacity: Int { 64 }
    /// After so many changes comes one of the others: they do not wait for ever.
    static var maxOvertaking: Int { 8 }

    var count: Int { changes.count + reads.count + consoles.count }

    /// False: there is no place for it.
    mutating func append(_ job: Job, _ kind: JobKind) -> Bool {
        switch kind {
        case .read: Self.append(job, to: &reads, Self.readCapacity)
        case .console: Self.append(job, to: &consoles, Self.consoleCapacity)
        case .change: Self.append(job, to: &changes, Self.changeCapacity)
        }
    }

    private static func append(_ job: Job, to places: inout [Job], _ capacity: Int) -> Bool {
        guard places.count < capacity else { return false }
        places.append(job)
        return true
    }

    mutating func next() -> Job? {
        let othersWait = !reads.isEmpty || !consoles.isEmpty
        if !changes.isEmpty, !othersWait || overtaking < Self.maxOvertaking {
            if othersWait { overtaking += 1 }
            return changes.removeFirst()
        }
        overtaking = 0
        guard othersWait else { return nil }
        let isConsole = reads.isEmpty || (consoleIsNext && !consoles.isEmpty)
        consoleIsNext = !isConsole
        return isConsole ? consoles.removeFirst() : reads.removeFirst()
    }
}
