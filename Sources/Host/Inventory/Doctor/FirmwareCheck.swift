import Foundation
import ManifestFile

/// How the machine's firmware starts programs, and what it keeps.
struct FirmwareCheck {
    let tree: FileTree

    var requirements: [Requirement] { [uefi, secureBoot, tpm, serialPort] }

    private static let globalVariables = "8be4df61-93ca-11d2-aa0d-00e098032b8c"

    private var uefi: Requirement {
        guard tree.exists("sys/firmware/efi") else {
            return Requirement(
                "UEFI", .unmet, "Linux was not started by UEFI",
                advice: "switch off \"CSM\" (\"Legacy Boot\") in the firmware's set-up, and start this Linux by UEFI")
        }
        if tree.text("sys/firmware/efi/fw_platform_size") == "32" {
            return Requirement("UEFI", .unmet, "the firmware is of 32 bits, and starts no program of 64")
        }
        return Requirement("UEFI", .met, "of 64 bits")
    }

    /// The value of a variable of the firmware's, behind its four bytes of attributes.
    private func variable(_ name: String) -> [UInt8]? {
        tree.bytes("sys/firmware/efi/efivars/\(name)-\(Self.globalVariables)").map { Array($0.dropFirst(4)) }
    }

    /// As the hypervisor finds it at boot; nil where the variables are not shown.
    var isSecure: Bool? {
        guard tree.exists("sys/firmware/efi/efivars") else { return nil }
        return variable("SecureBoot")?.first == 1 && variable("SetupMode")?.first == 0
    }
    /// Whether there is a TPM 2.0. nil where Linux shows no folder of them, and of the only ones not what they are (Linux before 5.6).
    var hasTPM: Bool? {
        guard tree.exists("sys/class/tpm") else { return nil }
        let versions = tree.names("sys/class/tpm").map { tree.text("sys/class/tpm/\($0)/tpm_version_major") }
        return versions.contains("2") ? true : versions.contains(nil) ? nil : false
    }

    private var secureBoot: Requirement {
        guard tree.exists("sys/firmware/efi") else {
            return Requirement("Secure Boot", .met, "not in use without UEFI")
        }
        guard tree.exists("sys/firmware/efi/efivars") else {
            return Requirement(
                "Secure Boot", .unknown, "the firmware's variables are not shown",
                advice: "mount efivarfs on /sys/firmware/efi/efivars")
        }
        // A firmware that does not know it has no such variable.
        guard variable("SecureBoot")?.first == 1 else { return Requirement("Secure Boot", .met, "off") }
        return Requirement(
            "Secure Boot", .unmet, "on: the firmware starts only programs that are signed by a key it knows",
            advice:
                "switch \"Secure Boot\" off in the firmware's set-up, or sign BULKHEAD's program with a key of your own "
                + "that you enrol there")
    }

    private var tpm: Requirement {
        guard !tree.names("sys/class/tpm").isEmpty else {
            return Requirement(
                "TPM", .limited, "none: what was started cannot be measured",
                advice:
                    "switch on \"fTPM\", \"PTT\" or \"Security Device Support\" in the firmware's set-up, if it has it")
        }
        switch hasTPM {
        case true?: return Requirement("TPM", .met, "version 2")
        case false?: return Requirement("TPM", .limited, "not of version 2.0: what was started cannot be measured")
        case nil: return Requirement("TPM", .met, "there")
        }
    }

    /// The first serial port, by which the hypervisor says what it does.
    private var serialPort: Requirement {
        for name in tree.names("sys/class/tty") where name.hasPrefix("ttyS") {
            guard tree.text("sys/class/tty/\(name)/port")?.uppercased() == "0X3F8" else { continue }
            // Type 0 is a port that does not answer.
            if tree.text("sys/class/tty/\(name)/type") != "0" {
                return Requirement("serial port", .met, "COM1 at 3F8h, \(name) in Linux")
            }
        }
        return Requirement(
            "serial port", .limited, "no COM1: what the hypervisor says is not seen",
            advice:
                "switch on \"Serial Port\" (\"Super IO\", \"Serial over LAN\" as COM1) in the firmware's set-up, if it "
                + "has it")
    }
}
