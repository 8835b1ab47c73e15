import Foundation
import ManifestFile

/// Names of PCI devices, where the list of them (pci.ids) is installed.
struct DeviceNames {
    private static let places = ["usr/share/misc/pci.ids", "usr/share/hwdata/pci.ids", "usr/share/pci.ids"]
    private var vendors: [UInt16: String] = [:]
    private var devices: [UInt32: String] = [:]

    /// The list of the recorded machine, else this one's.
    init(_ tree: FileTree) {
        let content = [tree, FileTree(root: "")].lazy.flatMap { tree in
            Self.places.lazy.compactMap { tree.bytes($0, limit: 8 << 20) }
        }.first
        self.init(content ?? [])
    }

    /// - Parameter content: a line for each vendor, `8086  Intel Corporation`; behind it one for each device, with a tab
    ///   before; subsystems have two. Classes, at the end, begin with `C`.
    init(_ content: [UInt8]) {
        var vendor: UInt16?
        for line in content.split(separator: 10) {
            let isDevice = line.first == 9
            let text = isDevice ? line.dropFirst() : line
            guard text.count > 6, text[text.startIndex] != 9, text[text.startIndex] != UInt8(ascii: "#") else {
                continue
            }
            guard let id = UInt16(String(decoding: text.prefix(4), as: UTF8.self), radix: 16),
                text[text.startIndex + 4] == 32
            else {
                if !isDevice { vendor = nil }
                continue
            }
            let name = String(decoding: text.dropFirst(6), as: UTF8.self)
            if !isDevice {
                vendor = id
                vendors[id] = name
            } else if let vendor {
                devices[UInt32(vendor) << 16 | UInt32(id)] = name
            }
        }
    }

    /// `Intel Corporation 82574L Gigabit Network Connection`; the vendor alone where the device is not listed.
    func name(vendor: UInt16, device: UInt16) -> String? {
        guard let first = vendors[vendor] else { return nil }
        return devices[UInt32(vendor) << 16 | UInt32(device)].map { "\(first) \($0)" } ?? first
    }
}
