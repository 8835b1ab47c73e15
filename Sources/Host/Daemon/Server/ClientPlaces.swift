/// How many clients may be there at a time: each takes a descriptor.
struct ClientPlaces: Equatable {
    let all: Int
    /// Of them, such that may change nothing.
    let readOnly: Int

    /// Descriptors that are left for the database, the link, the sockets, the loop, and for a connection that is refused.
    static let reserved = 64

    /// - Parameter descriptors: as many as the system lets the process have.
    init(descriptors: Int = .max) {
        all = min(Limits.clients, max(descriptors, Self.reserved + 2) - Self.reserved)
        readOnly = min(Limits.readOnlyClients, all / 2)
    }
}
