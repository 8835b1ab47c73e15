/// What a job does to the machine.
enum JobKind {
    case read
    case change
}

/// What waits for the machine: changes in order, and before what only reads, which is in order too. What only reads may take a
/// quarter of the places: clients that may not change anything cannot keep out those that do, nor make them wait.
struct JobQueue<Job> {
    private var changes: [Job] = []
    private var reads: [Job] = []
    /// Changes that have gone before reads that wait.
    private var overtaking = 0
    /// Jobs that wait at most; more are refused as busy.
    static var capacity: Int { 256 }
    static var readCapacity: Int { capacity / 4 }
    /// After so many changes comes what reads: it does not wait for ever.
    static var maxOvertaking: Int { 8 }

    var count: Int { changes.count + reads.count }

    /// False: there is no place for it.
    mutating func append(_ job: Job, _ kind: JobKind) -> Bool {
        guard count < Self.capacity, kind == .change || reads.count < Self.readCapacity else { return false }
        switch kind {
        case .read: reads.append(job)
        case .change: changes.append(job)
        }
        return true
    }

    mutating func next() -> Job? {
        guard !reads.isEmpty else { return changes.isEmpty ? nil : changes.removeFirst() }
        guard !changes.isEmpty, overtaking < Self.maxOvertaking else {
            overtaking = 0
            return reads.removeFirst()
        }
        overtaking += 1
        return changes.removeFirst()
    }
}
