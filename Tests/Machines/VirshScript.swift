import Foundation
import Testing

/// `Libvirt/virsh.txt` on a machine that has the demo's partitions, by whatever way to the daemon.
struct VirshScript {
    private let values: [String: String]

    /// - Parameters:
    ///   - machine: its name.
    ///   - uri: what the connection calls itself; `*` in it stands for anything.
    ///   - cores: how many it has, 4 at least.
    ///   - uuid: of the workload's domain, which is made of the names of machine and partition.
    ///   - id: of that domain. The script begins with it and the control loop running.
    ///   - next: its id after its next start.
    init(
        machine: String = "demo", uri: String = "bulkhead:///system*", cores: Int = 4,
        uuid: String = "8a6415d5-59a2-849f-aaa7-26224c7aec80", id: Int = 2,
        next: Int = 3
    ) {
        values = [
            "machine": machine, "uri": uri, "cores": "\(cores)", "uuid": uuid, "id": "\(id)", "next-id": "\(next)",
            "present": String(repeating: "y", count: cores),
            "core-3": "---y" + String(repeating: "-", count: cores - 4),
        ]
    }

    /// - Parameter words: virsh, and how it connects.
    func run(_ words: [String], folder: URL) throws {
        let file = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Libvirt/virsh.txt")
        let failures = try ClientScript(file, values).run(words, folder: folder)
        for failure in failures { Issue.record("\(words.joined(separator: " ")): \(failure)") }
    }
}
