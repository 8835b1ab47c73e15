/// What a job does to the machine.
enum JobKind {
    case read
    case change
}

/// What waits for the machine, in order. What only reads may take a quarter of the places: clients that may not change anything
/// cannot keep out those that do.
struct JobQueue<Job> {
    private var jobs: [(job: Job, kind: JobKind)] = []
    private var reads = 0
    /// Jobs that wait at most; more are refused as busy.
    static var capacity: Int { 256 }
    static var readCapacity: Int { capacity / 4 }

    var count: Int { jobs.count }

    /// False: there is no place for it.
    mutating func append(_ job: Job, _ kind: JobKind) -> Bool {
        guard jobs.count < Self.capacity, kind == .change || reads < Self.readCapacity else { return false }
        jobs.append((job, kind))
        if kind == .read { reads += 1 }
        return true
    }

    mutating func next() -> Job? {
        guard !jobs.isEmpty else { return nil }
        let (job, kind) = jobs.removeFirst()
        if kind == .read { reads -= 1 }
        return job
    }
}
