/// What goes wrong before or beside the link.
enum ManageError: Error, CustomStringConvertible {
    case noMachine(searched: String)
    case severalMachines([String])
    /// The request was accepted, and then something else happened.
    case unexpected(String)

    var description: String {
        switch self {
        case .noMachine(let searched):
            "no running machine found in \(searched). Start one with `bulkhead demo`, or name its socket or serial line "
                + "with --machine-socket PATH."
        case .severalMachines(let paths):
            "several machines run; say which with --machine-socket PATH:\n  " + paths.joined(separator: "\n  ")
        case .unexpected(let what): what
        }
    }

    var exitCode: Int32 {
        switch self {
        case .unexpected: 1
        default: 3
        }
    }
}
