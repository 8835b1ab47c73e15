import Foundation
import Machines
import Yams

/// `Tests/Guests/differences.yaml`: instructions whose outcome in a partition is not the bare machine's, and why.
public struct DifferenceTable: Sendable {
    public struct Row: Sendable, Equatable {
        public var name: String
        public var bare: String
        public var partition: String

        public init(name: String, bare: String, partition: String) {
            (self.name, self.bare, self.partition) = (name, bare, partition)
        }
    }
    public private(set) var rows: [Row] = []

    public init(_ workspace: Workspace, for kind: MachineKind) throws {
        let file = workspace.root.appending(path: "Tests/Guests/differences.yaml")
        try self.init(yaml: String(contentsOf: file, encoding: .utf8), for: kind)
    }

    /// - Throws: `AdversaryError` for a row that lacks an outcome, or that differs without a reason.
    public init(yaml: String, for kind: MachineKind) throws {
        let section = try Yams.compose(yaml: yaml)?.mapping?[Node(kind.rawValue)]?.mapping
        for (key, value) in section ?? [:] {
            guard let name = key.string, let bare = value["bare"]?.string, let partition = value["partition"]?.string,
                bare == partition || value["why"]?.string?.isEmpty == false
            else { throw AdversaryError("differences.yaml: \(key.string ?? "?") lacks an outcome or its reason") }
            rows.append(Row(name: name, bare: bare, partition: partition))
        }
    }
}
