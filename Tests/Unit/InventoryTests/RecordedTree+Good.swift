import Foundation

extension RecordedTree {
    /// Of a processor by Linux' number.
    static func apicId(_ cpu: Int) -> Int { cpu / 2 % 2 << 4 | cpu % 2 << 1 | cpu / 4 }

    /// Adds what makes of the recorded machine one on which the hypervisor runs without limits but for its threads: firmware,
    /// tables, configuration space.
    func makeGood() throws {
        var cpuinfo = ""
        for cpu in 0..<8 {
            cpuinfo += "processor\t: \(cpu)\nvendor_id\t: AuthenticAMD\nmodel name\t: Sample\nmicrocode\t: 0xa0011d1\n"
            cpuinfo += "apicid\t\t: \(Self.apicId(cpu))\nflags\t\t: fpu svm npt x2apic sme\n\n"
        }
        try write("proc/cpuinfo", cpuinfo)
        try write("sys/firmware/efi/fw_platform_size", "64\n")
        try write("sys/firmware/efi/efivars/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c", [6, 0, 0, 0, 0])
        try write("sys/class/tpm/tpm0/tpm_version_major", "2\n")
        try write("sys/class/tty/ttyS0/port", "0x3F8\n")
        try write("sys/class/tty/ttyS0/type", "4\n")
        try write("sys/devices/system/cpu/vulnerabilities/meltdown", "Not affected\n")
        try writeMADT([0, 1, 2, 3, 0x10, 0x11, 0x12, 0x13], ioAPIC: 9)
        try write("sys/firmware/acpi/tables/IVRS", Self.ivrs(ioAPIC: 9))
        try write("sys/class/iommu/ivhd0/amd-iommu/features", "25bf732fa2295afe\n")
        try function("00:02.0", "0x1022", "0x1483", "0x060400")
        try configure()
    }

    /// Configuration space of each function: one root port with access control, endpoints with MSI-X.
    func configure(_ change: (String, inout [UInt8]) -> Void = { _, _ in }) throws {
        for (address, vendor, device, code) in [
            ("00:00.0", 0x1022, 0x1480, 0x060000), ("00:01.0", 0x1022, 0x1483, 0x060400),
            ("00:02.0", 0x1022, 0x1483, 0x060400),
            ("01:00.0", 0x8086, 0x10c9, 0x020000), ("02:00.0", 0x144d, 0xa808, 0x010802),
            ("02:00.1", 0x144d, 0xa809, 0x010802),
        ] as [(String, Int, Int, Int)] {
            var config = [UInt8](repeating: 0, count: 4096)
            func put(_ offset: Int, _ bytes: [Int]) {
                config.replaceSubrange(offset..<offset + bytes.count, with: bytes.map { UInt8($0 & 0xFF) })
            }
            put(0, [vendor, vendor >> 8, device, device >> 8, 0, 0, 0x10, 0, 0, code, code >> 8, code >> 16])
            let isPort = code == 0x060400
            put(0x34, [0x40])
            put(0x40, [0x10, 0x60, isPort ? 0x42 : 0x02, 0, 0, 0, 0, 0x10])
            if isPort {
                put(0x0E, [1])
                let bus = address == "00:01.0" ? 1 : 2
                put(0x18, [0, bus, bus])
                put(0x100, [0x0D, 0, 1, 0])
            } else if code >> 16 != 6 {
                put(0x0E, [address.hasPrefix("02") ? 0x80 : 0])
                put(0x60, [0x11, 0, 3])
                put(0x3D, [1])
                let base = ["01:00.0": 0xFE, "02:00.0": 0xFD, "02:00.1": 0xFC][address] ?? 0
                put(0x13, [base])
                let resource = Self.resource.replacing("fe0", with: String(base, radix: 16) + "0")
                try write("sys/bus/pci/devices/0000:\(address)/resource", resource)
                put(0x18, [0x01, 0xC0])
            }
            change(address, &config)
            try write("sys/bus/pci/devices/0000:\(address)/config", config)
        }
    }

    /// One unit for all functions, and the I/O APIC behind 00:14.0 (AMD I/O Virtualization 48882, section 5).
    static func ivrs(ioAPIC: UInt8?, memory: [UInt8] = []) -> [UInt8] {
        var block: [UInt8] = [0x11, 0, 0, 0, 2, 0, 0x40, 0, 0, 0, 0xD8, 0xFE, 0, 0, 0, 0, 0, 0, 0, 0]
        block += [UInt8](repeating: 0, count: 20)
        if let ioAPIC { block += [0x48, 0, 0, 0, ioAPIC, 0xA0, 0, 1] }
        block[2] = UInt8(block.count)
        return header("IVRS", [UInt8](repeating: 0, count: 12) + block + memory)
    }

    /// With a unit, its I/O APIC, and memory that firmware keeps for functions of bus 0 (VT-d specification, section 8).
    static func dmar(flags: UInt8 = 1, units: Int = 1, reserved: [(device: UInt8, function: UInt8)] = []) -> [UInt8] {
        var body: [UInt8] = [38, flags] + [UInt8](repeating: 0, count: 10)
        for unit in 0..<units {
            var block: [UInt8] = [0, 0, 0, 0, 1, 0, 0, 0, 0, UInt8(unit) << 4, 0xD9, 0xFE, 0, 0, 0, 0]
            if unit == 0 { block += [3, 8, 0, 0, 9, 0xF0, 0x1F, 0] }
            block[2] = UInt8(block.count)
            body += block
        }
        for (device, function) in reserved {
            body += [1, 0, 32, 0, 0, 0, 0, 0, 0, 0, 0, 0x7B, 0, 0, 0, 0, 0xFF, 0xFF, 0xFF, 0x7B, 0, 0, 0, 0]
            body += [1, 8, 0, 0, 0, 0, device, function]
        }
        return header("DMAR", body)
    }

    /// A table with its header of 36 bytes (ACPI 6.5, section 5.2.6).
    private static func header(_ name: String, _ body: [UInt8]) -> [UInt8] {
        let length = 36 + body.count
        return Array(name.utf8) + (0..<4).map { UInt8(length >> (8 * $0) & 0xFF) } + [UInt8](repeating: 0, count: 28)
            + body
    }
}
