/// What a procedure does to the server's world: what a read-only connection may call follows from it.
public enum ProcedureAccess: Sendable {
    /// Of the connection itself: allowed before it is opened.
    case session
    case read
    case change
}

/// One row of a server's table of procedures.
public struct Procedure<Client> {
    public let number: Int32
    public let access: ProcedureAccess
    /// Whether it asks for domains, or for what follows from them, or changes them: true unless somebody has said otherwise.
    public let ofDomains: Bool
    /// Reads the arguments and answers the call, now or later. What it throws is the answer.
    let run: (Client, RemoteCall) throws -> Void

    /// As libvirt calls it.
    public var name: String { ProcedureNames.name(number) }

    /// Whether its first argument is a domain: that of each procedure of domains, but for those that look one up or make one.
    public let namesDomain: Bool
    fileprivate static var othersOfDomains: Set<String> {
        [
            "domain_define_xml", "domain_define_xml_flags", "domain_create_xml", "domain_create_xml_with_files",
            "domain_lookup_by_name", "domain_lookup_by_uuid", "domain_lookup_by_id",
        ]
    }
}

/// What a server answers: a row for each procedure that it has. Everything else is answered with `noSupport`.
public struct ProcedureTable<Client> {
    private var rows: [Int32: Procedure<Client>] = [:]

    public init() {}

    public subscript(number: Int32) -> Procedure<Client>? { rows[number] }

    /// The numbers of all rows, the lowest first.
    public var numbers: [Int32] { rows.keys.sorted() }

    /// - Parameters:
    ///   - name: libvirt's name of the procedure.
    ///   - ofDomains: false for what is true of connection and machine whatever domains there are; procedures of the session
    ///     are never of domains.
    ///   - run: reads all arguments before it returns. Afterwards a call has none.
    public mutating func add(
        _ name: String, _ access: ProcedureAccess, ofDomains: Bool = true,
        _ run: @escaping (Client, RemoteCall) throws -> Void
    ) {
        guard let number = ProcedureNames.number(name) else { preconditionFailure("no procedure \(name)") }
        precondition(rows[number] == nil, "two rows for \(name)")
        rows[number] = Procedure(
            number: number, access: access, ofDomains: ofDomains && access != .session, run: run,
            namesDomain: name.hasPrefix("domain_") && !Procedure<Client>.othersOfDomains.contains(name))
    }
}
