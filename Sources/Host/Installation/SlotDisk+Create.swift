import Foundation
import Machines

extension SlotDisk {
    /// The least size of a disk for such content, bytes: each slot has room for as much again.
    public static func size(for content: SlotContent) throws -> UInt64 {
        let slot = max((try content.size()) * 2, 64 << 20)
        return ((slot * 2 + (3 << 20)) >> 20) << 20
    }

    /// Makes a disk anew, with content in slot a. Everything on it is lost; not an owner's key for content that has none.
    /// - Parameters:
    ///   - bootManager: systemd-boot's program.
    ///   - ownerIsChecked: whether `requireOwner` has let it pass: it reads all that the slots have.
    @discardableResult
    public static func create(
        on device: any SectorDevice, _ content: SlotContent, bootManager: URL, ownerIsChecked: Bool = false
    ) throws -> SlotDisk {
        if !ownerIsChecked { try requireOwner(on: device, of: content) }
        let mebibyte: UInt64 = 1 << 20, sector = UInt64(GPT.sectorSize)
        let least = (try content.size() + 4 * mebibyte) * 2 + 2 * mebibyte
        guard device.size >= least else {
            throw MachineError.impossible(
                "the disk has \(device.size >> 20) MiB; \((least >> 20) + 1) MiB are needed. Nothing was written")
        }
        // No larger than of use: the rest of a large disk stays free.
        let most = max((try size(for: content)) / 2, 512 * mebibyte)
        let slot = min((device.size - 2 * mebibyte) / 2, most) / mebibyte * mebibyte
        guard slot <= largestSlot else { throw MachineError.impossible("the images are larger than a slot can be") }
        let table = GPT(
            disk: UUID(),
            partitions: Slot.allCases.enumerated().map { index, name in
                let first = (mebibyte + UInt64(index) * slot) / sector
                return GPT.Partition(
                    type: index == 0 ? GPT.systemPartition : GPT.extendedBootPartition, id: UUID(),
                    sectors: first...first + slot / sector - 1, name: names[name] ?? "")
            })
        let (head, tail) = table.encoded(sectors: device.size / sector)
        // No table until the volumes are whole: a disk on which this stopped boots nothing rather than half.
        try device.write(0, Data(count: head.count))
        try device.write((device.size / sector - GPT.tailSectors) * sector, Data(count: tail.count))
        try device.flush()
        for (index, name) in Slot.allCases.enumerated() {
            let start = mebibyte + UInt64(index) * slot
            let volume = SlotVolume(device: device, range: start..<start + slot)
            try device.write(start, Data(count: 512))
            try volume.change(.add, isNew: true) { image in
                // Clusters such that it is FAT16 up to 2 GiB, then FAT32.
                let sizes: [(UInt64, [String])] = [
                    (60, ["-c", "2"]), (480, ["-c", "16"]), (2000, ["-c", "64"]), (.max, ["-F", "-c", "64"]),
                ]
                let format = sizes.first { slot / mebibyte < $0.0 }?.1 ?? []
                let label = "BULKHEAD \(name.rawValue.uppercased())"
                try Tool.run("mformat", ["-i", image] + format + ["-v", label, "::"])
                try Tool.run("mmd", ["-i", image, "::/loader", "::/loader/entries", "::/EFI"])
                guard name == .a else { return }
                try Tool.run("mmd", ["-i", image, "::/EFI/BOOT"])
                try Self.addBootManager(bootManager, to: image)
                try content.add(to: image)
                try Self.add(LoaderEntry(.a, version: 1, tries: nil), to: image)
            }
        }
        try device.write((device.size / sector - GPT.tailSectors) * sector, tail)
        try device.flush()
        try device.write(0, head)
        try device.flush()
        try device.forget()
        let made = try SlotDisk(device)
        guard try device.read(0, head.count) == head, try made.states().first?.isWhole == true else {
            throw MachineError.impossible(
                "the disk does not read back as it was written: it is worn out, or smaller than it says")
        }
        return made
    }
}
