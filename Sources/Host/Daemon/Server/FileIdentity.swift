import Foundation

/// What tells a file apart from another one that has taken its path.
struct FileIdentity: Equatable {
    private let device: UInt64
    private let number: UInt64

    /// nil: there is no file at the path.
    init?(_ path: String) {
        guard let attributes = try? FileManager.default.attributesOfItem(atPath: path),
            let device = attributes[.systemNumber] as? NSNumber,
            let number = attributes[.systemFileNumber] as? NSNumber
        else { return nil }
        (self.device, self.number) = (device.uint64Value, number.uint64Value)
    }
}
