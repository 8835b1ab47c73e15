import Foundation
import Inventory
import ManifestFile

/// The machine that a manifest is held against.
enum ManifestMachine {
    /// - Throws: `ManifestRefused` for a file that is no inventory.
    static func inventory(_ path: String) throws -> Inventory {
        guard let data = FileManager.default.contents(atPath: path), let inventory = try? Inventory(json: data) else {
            throw ManifestRefused(
                problems: [ManifestProblem(file: path, reason: "this is not what `bulkhead inventory --json` prints")])
        }
        return inventory
    }
}
