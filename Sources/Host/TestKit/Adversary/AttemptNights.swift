import Foundation
import Machines
import Yams

/// `Tests/Guests/nightly.yaml`: runs that a machine makes at night alone, each list with what stands for it by day.
struct AttemptNights {
    private(set) var runs: [String] = []

    /// - Throws: `AttemptTableError`, what reading the file throws, `YamlError`.
    init(_ workspace: Workspace, for kind: MachineKind) throws {
        let file = workspace.root.appending(path: "Tests/Guests/nightly.yaml")
        guard let machines = try Yams.compose(yaml: String(contentsOf: file, encoding: .utf8))?.mapping else {
            throw AttemptTableError("nightly.yaml is no mapping of machines")
        }
        if let stray = machines.keys.first(where: { MachineKind(rawValue: $0.string ?? "") == nil }) {
            throw AttemptTableError("nightly.yaml: \(stray.string ?? "?") is no machine")
        }
        for list in machines[kind.rawValue]?.sequence ?? [] {
            guard let list = list.mapping, list["because"]?.string?.isEmpty == false,
                let names = list["runs"]?.sequence, list.count == 2
            else { throw AttemptTableError("nightly.yaml: a list needs `because` and `runs`, and has nothing else") }
            runs += try names.map { name in
                guard let name = name.string else { throw AttemptTableError("nightly.yaml: a run is no word") }
                return name
            }
        }
    }
}
