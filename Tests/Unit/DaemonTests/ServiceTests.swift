import Foundation
import Keys
import Testing
import UnitSupport

/// `bulkheadd` as a service: with a file of options, under something that wants to know how it is.
@Suite struct ServiceTests {
    private let folder: TemporaryFolder
    private var file: String { folder.path + "/bulkheadd.yaml" }

    init() throws { folder = try TemporaryFolder() }

    private func write(_ text: String, _ name: String = "bulkheadd.yaml") throws {
        let path = folder.path + "/\(name)"
        try text.write(toFile: path, atomically: true, encoding: .utf8)
        chmod(path, 0o600)
    }

    private func run(_ arguments: String...) throws -> ToolRun { try ToolRun(arguments, program: "bulkheadd") }

    @Test func aFileIsCheckedWithNothingDone() throws {
        try write("machine-socket: link.sock\nsocket-dir: made\npolicy: policy.yaml\n")
        let missing = try run("--config", file, "--check")
        #expect(missing.status == 2 && missing.errors.hasPrefix("bulkheadd: \(folder.path)/policy.yaml: it cannot"))
        try write("roles: {v: [{allow: [read], partitions: all}]}\nusers: {4711: [w]}", "policy.yaml")
        let bad = try run("--config", file, "--check")
        #expect(
            bad.status == 2
                && bad.errors
                    == "bulkheadd: \(folder.path)/policy.yaml:2: there is no role \"w\"; did you mean \"v\"?\n"
        )
        try write("roles: {v: [{allow: [read], partitions: all}]}\nusers: {4711: [v]}", "policy.yaml")
        let good = try run("--config", file, "--check")
        #expect(good.status == 0 && good.output == "bulkheadd: all of it is good\n", "\(good.errors)")
        #expect(!FileManager.default.fileExists(atPath: folder.path + "/made"))
        // What is wrong is so whether it is checked or started.
        try write("socket: here")
        let wrong = try run("--config", file)
        #expect(wrong.status == 2 && wrong.errors.contains("bulkheadd.yaml:1: unknown key \"socket\""))
        // What goes together does so wherever it stands.
        try write("tls: 0\n")
        let half = try run("--config", file, "--check")
        #expect(half.status == 2 && half.errors == "bulkheadd: \(file): tls and pki go together\n")
        #expect(try run("--config", file, "--pki", folder.path, "--check").status == 2)
        #expect(try run("--tls", "0", "--check").status == 64)
        let empty = try run("--config", file, "--pki", folder.path, "--policy", folder.path + "/policy.yaml", "--check")
        #expect(empty.status == 2 && empty.errors.contains("cacert.pem"), "\(empty.errors)")
        // Paths begin in the file's folder, wherever that is named from.
        try write("policy: policy.yaml")
        let inside = URL(filePath: folder.path)
        #expect(try ToolRun(["--config", "bulkheadd.yaml", "--check"], in: inside, program: "bulkheadd").status == 0)
    }

    /// Nobody is let in without the authority's list: it is looked at, too.
    @Test func aMissingListIsSeen() throws {
        let passphrase = Passphrase("correct horse"), authority = CertificateAuthority(folder.path + "/ca")
        try authority.create(name: "Test", passphrase)
        _ = try authority.issue(server: "box", hosts: ["127.0.0.1"], days: 30, passphrase)
        try write("roles: {v: [{allow: [read], partitions: all}]}\nusers: {0: [v]}", "policy.yaml")
        try write("policy: policy.yaml\ntls: 0\npki: ca/servers/box\n")
        let good = try run("--config", file, "--check")
        #expect(good.status == 0, "\(good.errors)")
        try FileManager.default.removeItem(atPath: folder.path + "/ca/servers/box/certificates")
        #expect(try run("--config", file, "--check").status == 2)
    }

    /// A service that has nothing to read anew goes on.
    @Test func withoutAPolicyItGoesOn() throws {
        try write("machine-socket: link.sock\n")
        let name = folder.path + "/notify", manager = try NotifySocket(name)
        let program = try DaemonProgram(folder, ["--config", file], environment: ["NOTIFY_SOCKET": name])
        #expect(manager.next().hasPrefix("READY=1\n"))
        program.reload()
        #expect(manager.next().hasPrefix("RELOADING=1\n"))
        #expect(manager.next().hasPrefix("READY=1\nSTATUS=bulkhead:"))
        program.end()
        #expect(program.status == (.exit, 0))
    }

    /// What the command line says goes before the file; systemd hears when it serves, reads anew and ends.
    @Test func itTellsWhoStartedItHowItIs() throws {
        try write("machine-socket: link.sock\nsocket-dir: elsewhere\nstate-dir: state\npolicy: policy.yaml\n")
        let good = "roles: {v: [{allow: [read], partitions: all}]}\nusers: {0: [v]}"
        try write(good, "policy.yaml")
        try FileManager.default.createDirectory(atPath: folder.path + "/state", withIntermediateDirectories: true)
        for name in [folder.path + "/notify", "@bulkheadd-\(UUID())"] {
            let manager = try NotifySocket(name)
            let sockets = folder.path + "/sockets"
            let program = try DaemonProgram(
                folder, ["--config", file, "--socket-dir", sockets], environment: ["NOTIFY_SOCKET": name])
            #expect(manager.next() == "READY=1\nSTATUS=bulkhead:///system?socket=\(sockets)/virtbulkheadd-sock")
            #expect(FileManager.default.fileExists(atPath: sockets + "/virtbulkheadd-sock"))
            #expect(FileManager.default.fileExists(atPath: folder.path + "/state/bulkheadd.sqlite"))
            #expect(!FileManager.default.fileExists(atPath: folder.path + "/elsewhere"))
            program.reload()
            #expect(manager.next().wholeMatch(of: /RELOADING=1\nMONOTONIC_USEC=[0-9]+/) != nil)
            #expect(manager.next().hasPrefix("READY=1\nSTATUS=bulkhead:"))
            // What has a fault changes nothing, which is said.
            try write("roles: {}", "policy.yaml")
            program.reload()
            #expect(manager.next().hasPrefix("RELOADING=1"))
            #expect(manager.next().hasPrefix("READY=1\nSTATUS=the policy is left as it is: "))
            try write(good, "policy.yaml")
            program.end()
            #expect(manager.next() == "STOPPING=1")
            #expect(program.status == (.exit, 0))
        }
    }

    /// As Debian's systemd reads it. Its programs lie elsewhere here.
    @Test func theUnitIsOne() throws {
        let root = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../../..")
        let unit = try String(contentsOf: root.appending(path: "Examples/daemon/bulkheadd.service"), encoding: .utf8)
        #expect(unit.contains("ExecStart=/usr/sbin/bulkheadd --config /etc/bulkhead/bulkheadd.yaml\n"))
        let analyzer = "/usr/bin/systemd-analyze"
        try #require(FileManager.default.fileExists(atPath: analyzer), "install systemd")
        try write(unit.replacing("/usr/sbin/bulkheadd", with: "/bin/true"), "bulkheadd.service")
        let check = Process(), errors = Pipe()
        check.executableURL = URL(filePath: analyzer)
        check.arguments = ["verify", "--man=no", folder.path + "/bulkheadd.service"]
        check.standardError = errors
        try check.run()
        let said = String(decoding: errors.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        check.waitUntilExit()
        #expect(check.terminationStatus == 0 && !said.contains("bulkheadd.service"), "\(said)")
    }
}
