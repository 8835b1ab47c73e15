import ArgumentParser
import Foundation
import Keys
import Machines
import SignedImages

/// What an owner's volume makes a machine measure, as `reference` and `verify` take it.
struct OwnersReference {
    let expected: ExpectedMeasurements
    /// What nothing told whether it is the owner's.
    let unchecked: [VerifiedObject]
    /// The hypervisor as it lies on the volume.
    let program: Data

    /// - Parameters:
    ///   - keys: the owner's; nil: nothing is verified, and the key is the one that the volume's program carries.
    ///   - program: with keys without Secure Boot's, the one that it should be; nil: the checkout's.
    ///   - release: the hypervisor's version.
    /// - Throws: `ExitCode` where an object of the volume is not the owner's, which was said.
    init(_ volume: String, keys: String?, program: String?, release: String) throws {
        let reader = try VolumeReader(URL(filePath: volume))
        if let keys {
            let folder = KeyFolder(keys), check = try BootVolumeCheck(reader, folder, programOption: program)
            if let bad = check.objects.first(where: { !$0.isGood && $0.isChecked }) {
                Manage.fail("\(bad.name): \(bad.words)")
                throw ExitCode(1)
            }
            unchecked = check.objects.filter { !$0.isChecked }
            expected = try ExpectedMeasurements(reader, key: folder.publicKey(), version: release, mustBeOwners: true)
            self.program = try Self.program(reader)
        } else {
            self.program = try Self.program(reader)
            unchecked = []
            expected = try ExpectedMeasurements(reader, key: OwnerSection.key(in: self.program), version: release)
        }
    }

    private static func program(_ reader: VolumeReader) throws -> Data {
        let path = BootVolumeCheck.program
        guard let found = try reader.read(path, atMost: OwnerSection.most) else {
            throw MachineError.missing(file: path, hint: "the boot volume lacks it")
        }
        return found
    }
}
