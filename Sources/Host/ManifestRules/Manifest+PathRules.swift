import Manifest
import Text

extension Manifest {
    /// The rules for what is read from the boot volume, a FAT file system: names that it, UEFI and Linux hold alike.
    func checkImages(_ i: Int, _ report: (ManifestRefusal) -> Void) {
        let (image, initrd) = imagePaths(i)
        if !image.isEmpty { checkPath(image, .kernel, i, report) }
        if !initrd.isEmpty { checkPath(initrd, .initrd, i, report) }
        for j in 0...i {
            let other = imagePaths(j)
            checkCase(i, image, .kernel, j, other.image, report)
            checkCase(i, initrd, .initrd, j, other.image, report)
            checkCase(i, initrd, .initrd, j, other.initrd, report)
            if j < i { checkCase(i, image, .kernel, j, other.initrd, report) }
        }
    }

    /// By themselves: each look into the array copies all of it where the compiler does not optimize.
    private func imagePaths(_ i: Int) -> (image: ImagePath, initrd: ImagePath) {
        (partitions[i].image, partitions[i].initrd)
    }

    private func checkPath(
        _ path: ImagePath, _ field: ManifestField, _ i: Int, _ report: (ManifestRefusal) -> Void
    ) {
        let slash = UInt8(ascii: "/")
        let dot = UInt8(ascii: ".")
        var previous = slash
        var isFormed = true
        for k in 0..<path.count {
            let byte = path.bytes[k]
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"):
                break
            // A part that starts with a dot could be `.` or `..`; one that ends with a dot loses it on FAT.
            case dot: if previous == slash { isFormed = false }
            case slash: if previous == slash || previous == dot { isFormed = false }
            default:
                return report(ManifestRefusal(.pathCharacter, field, partition: i, value: UInt64(byte)))
            }
            previous = byte
        }
        if previous == slash || previous == dot { isFormed = false }
        if !isFormed { return report(ManifestRefusal(.pathForm, field, partition: i)) }
        if Self.isReserved(path) { report(ManifestRefusal(.pathReserved, field, partition: i)) }
    }

    /// Files that an install or the hypervisor keeps beside the images, and the folders of slots beside another system. An image called
    /// `confirmed` would make a slot that nobody has confirmed the one that is fallen back to.
    public static let reservedNames = [
        "manifest.cbor", "slot.txt", "version.txt", "confirmed", "crash.bin", "symbols.bin", "boot.log", "a", "b",
    ]

    /// A folder of that name would be in their way too.
    private static func isReserved(_ path: ImagePath) -> Bool {
        let first = (0..<path.count).map { folded(path.bytes[$0]) }.prefix { $0 != UInt8(ascii: "/") }
        return reservedNames.contains { $0.utf8.elementsEqual(first) }
    }

    /// FAT does not tell `vmlinux` from `VMLINUX`: two names that differ in case alone would be one file.
    private func checkCase(
        _ i: Int, _ path: ImagePath, _ field: ManifestField, _ j: Int, _ other: ImagePath,
        _ report: (ManifestRefusal) -> Void
    ) {
        if !path.isEmpty, !(path == other), Self.equalIgnoringCase(path, other) {
            report(ManifestRefusal(.pathCaseClash, field, partition: i, other: j))
        }
    }

    private static func equalIgnoringCase<let n: Int>(_ a: ImagePath, _ b: Text<n>) -> Bool {
        guard a.count == b.count else { return false }
        for k in 0..<a.count where folded(a.bytes[k]) != folded(b.bytes[k]) { return false }
        return true
    }

    private static func folded(_ byte: UInt8) -> UInt8 {
        UInt8(ascii: "A")...UInt8(ascii: "Z") ~= byte ? byte | 0x20 : byte
    }
}
