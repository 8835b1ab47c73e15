import Foundation

/// The firmware's boot entries, as Linux shows its variables (UEFI 2.10, sections 3.1.3 and 3.3). Read here, changed by
/// efibootmgr.
struct BootEntries {
    struct Entry: Equatable {
        /// `0003`.
        var number: String
        /// Of the partition, as Linux names it in `/dev/disk/by-partuuid`.
        var partition: String
        /// `\EFI\BULKHEAD\BULKHEAD.EFI`, its case as it is.
        var path: String
        /// What the program is given: the bytes behind the device path.
        var options: [UInt8]
        /// Else the firmware passes over it in its order (section 3.1.3, LOAD_OPTION_ACTIVE).
        var isActive: Bool

        /// Whether the program is given a slot's letter and nothing else: UTF-16, with a zero behind it or without.
        func gives(_ slot: Slot) -> Bool {
            let letter = Array(slot.rawValue.utf8) + [0]
            return options == letter || options == letter + [0, 0]
        }
    }
    private(set) var entries: [Entry] = []
    /// What is started once, at the next start.
    private(set) var next: String?
    private(set) var order: [String] = []

    static let folder = "/sys/firmware/efi/efivars"
    private static let global = "8be4df61-93ca-11d2-aa0d-00e098032b8c"

    /// nil where the firmware's variables cannot be seen.
    /// - Parameter folder: where they are.
    init?(_ folder: String) {
        guard let names = try? FileManager.default.contentsOfDirectory(atPath: folder), !names.isEmpty else {
            return nil
        }
        /// Without the four bytes of attributes before it.
        func value(_ name: String) -> [UInt8]? {
            guard let data = try? Data(contentsOf: URL(filePath: "\(folder)/\(name)-\(Self.global)")) else {
                return nil
            }
            return Array(data.dropFirst(4))
        }
        func numbers(_ bytes: [UInt8]) -> [String] {
            stride(from: 0, to: bytes.count - 1, by: 2).map { Self.hexadecimal(Self.number(bytes, $0, 2), 4) }
        }
        var known: Set<String> = []
        for name in names.sorted() {
            guard let match = name.wholeMatch(of: /Boot([0-9A-F]{4})-(.*)/), match.2 == Self.global,
                let bytes = value("Boot\(match.1)")
            else { continue }
            known.insert(String(match.1))
            guard let target = Self.target(bytes) else { continue }
            entries.append(
                Entry(
                    number: String(match.1), partition: target.partition, path: target.path, options: target.options,
                    isActive: bytes[0] & 1 != 0))
        }
        next = value("BootNext").flatMap { numbers($0).first }
        // Firmware passes over a number without an entry, and efibootmgr takes no order that has one.
        order = value("BootOrder").map(numbers)?.filter(known.contains) ?? []
    }

    static func removeNext(in folder: String) throws {
        try FileManager.default.removeItem(atPath: "\(folder)/BootNext-\(global)")
    }

    /// Those of a program on a partition. FAT and UEFI do not tell capital letters apart.
    func entries(of partition: String, path: String) -> [Entry] {
        entries.filter { $0.partition == partition.lowercased() && $0.path.lowercased() == path.lowercased() }
    }

    /// Where an EFI_LOAD_OPTION leads: a partition's node and a file's node right behind it (sections 10.3.5.1 and 10.3.5.4). nil
    /// for one that leads elsewhere or is damaged.
    static func target(_ option: [UInt8]) -> (partition: String, path: String, options: [UInt8])? {
        guard option.count > 6 else { return nil }
        var at = 6
        // The title, in characters of two bytes with a zero at the end.
        while at + 1 < option.count, number(option, at, 2) != 0 { at += 2 }
        at += 2
        let end = min(at + Int(number(option, 4, 2)), option.count)
        var partition: String?
        while at + 4 <= end {
            let size = Int(number(option, at + 2, 2)), kind = (option[at], option[at + 1])
            guard size >= 4, at + size <= end else { return nil }
            if kind == (4, 1), size >= 42 {
                partition = Self.partition(Array(option[at..<at + size]))
            } else if kind == (4, 4), let partition {
                let units = stride(from: at + 4, to: at + size - 1, by: 2).map { UInt16(number(option, $0, 2)) }
                let path = String(decoding: units.prefix { $0 != 0 }, as: UTF16.self)
                return (partition, path, Array(option[end...]))
            } else if partition != nil || !(1...3).contains(kind.0) {
                return nil
            }  // else how firmware reaches the disk
            at += size
        }
        return nil
    }

    /// Its GUID; on a disk with an MBR that table's signature and the partition's number.
    private static func partition(_ node: [UInt8]) -> String? {
        switch node[41] {
        case 1: hexadecimal(number(node, 24, 4), 8).lowercased() + "-" + hexadecimal(number(node, 4, 4), 2).lowercased()
        case 2: GPT.uuid(Data(node[24..<40]), 0).uuidString.lowercased()
        default: nil
        }
    }

    private static func number(_ bytes: [UInt8], _ at: Int, _ size: Int) -> UInt64 {
        (0..<size).reduce(0) { $0 | UInt64(bytes[at + $1]) << UInt64(8 * $1) }
    }

    private static func hexadecimal(_ value: UInt64, _ digits: Int) -> String {
        let text = String(value, radix: 16, uppercase: true)
        return String(repeating: "0", count: max(digits - text.count, 0)) + text
    }
}
