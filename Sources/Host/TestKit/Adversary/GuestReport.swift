/// A line that a guest of ours tells something by: `@neighbour ticks=N missed=N checksum=ok|BAD ...`.
struct GuestReport {
    private var values: [Substring: Substring] = [:]

    init(_ line: String) {
        for word in line.split(separator: " ") {
            let parts = word.split(separator: "=", maxSplits: 1)
            if parts.count == 2 { values[parts[0]] = parts[1] }
        }
    }
    init() {}

    subscript(_ name: String) -> Substring? { values[Substring(name)] }
    func count(_ name: String) -> UInt64 { self[name].flatMap { UInt64($0) } ?? 0 }
}
