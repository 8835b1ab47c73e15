import Foundation

/// A machine's `sys` and `proc`, written to a folder of its own: two packages, two cores each, two threads a core; Linux
/// numbers the second threads last, the firmware's table has threads side by side.
final class RecordedTree {
    let root: String

    init() throws {
        root = FileManager.default.temporaryDirectory.path + "/inventory-\(UUID().uuidString)"
        try write("proc/sys/kernel/hostname", "rack7.example.org\n")
        try write("proc/iomem", Self.iomem)
        try write("proc/meminfo", "MemTotal:        8000000 kB\nMemFree: 1 kB\n")
        var cpuinfo = ""
        for cpu in 0..<8 {
            let package = cpu / 2 % 2, core = cpu % 2, thread = cpu / 4
            let apicId = package << 4 | core << 1 | thread
            cpuinfo += "processor\t: \(cpu)\nmodel name\t: Sample 8-thread\napicid\t\t: \(apicId)\n"
            cpuinfo += "flags\t\t: fpu sme sev svm cat_l3 cdp_l3 mba\n\n"
            let folder = "sys/devices/system/cpu/cpu\(cpu)"
            try write("\(folder)/topology/physical_package_id", "\(package)\n")
            try write("\(folder)/topology/core_id", "\(core)\n")
            try write("\(folder)/topology/thread_siblings_list", "\(cpu % 4),\(cpu % 4 + 4)\n")
            try cache("\(folder)/cache/index0", 1, "Data", "32K", 8, "\(cpu % 4),\(cpu % 4 + 4)")
            let shared = package == 0 ? "0-1,4-5" : "2-3,6-7"
            try cache("\(folder)/cache/index3", 3, "Unified", "16384K", 16, shared)
        }
        // A processor that is switched off has no topology.
        try write("sys/devices/system/cpu/cpu8/online", "0\n")
        try write("sys/devices/system/cpu/cpuidle/current_driver", "none\n")
        try write("proc/cpuinfo", cpuinfo)
        try function("00:00.0", "0x1022", "0x1480", "0x060000", group: "0")
        try function("00:01.0", "0x1022", "0x1483", "0x060400", group: "1")
        try function("01:00.0", "0x8086", "0x10c9", "0x020000", group: "2", driver: "igb", reset: "flr bus")
        for (name, text) in ["totalvfs": "7", "offset": "128", "stride": "2", "vf_device": "10ca"] {
            try write("sys/bus/pci/devices/0000:01:00.0/sriov_\(name)", text + "\n")
        }
        try function("02:00.0", "0x144d", "0xa808", "0x010802", group: "3", driver: "nvme", reset: "af_flr pm bus")
        try function("02:00.1", "0x144d", "0xa809", "0x010802", group: "3")
        try write("sys/bus/pci/devices/10000:00:00.0/vendor", "0x8086\n")
        try write("sys/class/iommu/ivhd0/devices", "")
    }

    deinit { try? FileManager.default.removeItem(atPath: root) }

    func write(_ path: String, _ text: String) throws { try write(path, Array(text.utf8)) }

    func write(_ path: String, _ bytes: [UInt8]) throws {
        let file = URL(filePath: root + "/" + path)
        try FileManager.default.createDirectory(at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
        try Data(bytes).write(to: file)
    }

    func remove(_ path: String) throws { try FileManager.default.removeItem(atPath: root + "/" + path) }

    /// - Parameter inFolder: whether the folder of the link is to be made.
    func link(_ path: String, to target: String, inFolder: Bool = false) throws {
        if inFolder { try write(path, "") }
        if inFolder { try remove(path) }
        try FileManager.default.createSymbolicLink(atPath: root + "/" + path, withDestinationPath: target)
    }

    private func cache(
        _ path: String, _ level: Int, _ type: String, _ size: String, _ ways: Int, _ shared: String
    ) throws {
        try write("\(path)/level", "\(level)\n")
        try write("\(path)/type", type + "\n")
        try write("\(path)/size", size + "\n")
        try write("\(path)/ways_of_associativity", "\(ways)\n")
        try write("\(path)/shared_cpu_list", shared + "\n")
    }

    func function(
        _ address: String, _ vendor: String, _ device: String, _ code: String, group: String? = nil,
        driver: String? = nil, reset: String? = nil
    ) throws {
        let path = "sys/bus/pci/devices/0000:\(address)"
        try write("\(path)/vendor", vendor + "\n")
        try write("\(path)/device", device + "\n")
        try write("\(path)/class", code + "\n")
        try write("\(path)/resource", Self.resource)
        if let reset { try write("\(path)/reset_method", reset + "\n") }
        if let group { try link("\(path)/iommu_group", to: "../../../kernel/iommu_groups/\(group)") }
        if let driver { try link("\(path)/driver", to: "../../../bus/pci/drivers/\(driver)") }
    }

    /// The firmware's table of interrupt controllers: APIC ids in this order, then one that is not enabled.
    func writeMADT(_ order: [UInt8], ioAPIC: UInt8 = 0) throws {
        var table = [UInt8](repeating: 0, count: 44)
        for id in order { table += [0, 8, 0, id, 1, 0, 0, 0] }
        table += [1, 12, ioAPIC] + [UInt8](repeating: 0, count: 9)
        table += [0, 8, 0, 0x55, 0, 0, 0, 0]
        try write("sys/firmware/acpi/tables/APIC", table)
    }

    static let resource = """
        0x00000000fe000000 0x00000000fe01ffff 0x0000000000040200
        0x0000000000000000 0x0000000000000000 0x0000000000000000
        0x000000000000c000 0x000000000000c01f 0x0000000000040101
        0x0000000000000000 0x0000000000000000 0x0000000000000000
        0x0000000000000000 0x0000000000000000 0x0000000000000000
        0x0000000000000000 0x0000000000000000 0x0000000000000000
        0x00000000fd000000 0x00000000fd00ffff 0x0000000000040200

        """

    static let iomem = """
        00000000-00000fff : Reserved
        00001000-0009fbff : System RAM
        00100000-bfffffff : System RAM
          01000000-0220bb07 : Kernel code
        fec00000-fec003ff : IOAPIC 0
        100000000-23fffffff : System RAM

        """
}
