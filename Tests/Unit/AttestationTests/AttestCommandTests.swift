import Foundation
import Machines
import Testing
import UnitSupport

@testable import Attestation

/// `bulkhead attest` and `bulkhead verify`, as people and scripts run them, and what programs of others make of the evidence.
@Suite struct AttestCommandTests {
    private static let nonce = String(repeating: "5a", count: 32)

    /// A machine, and a folder with its log, its key and its evidence as the command writes them.
    private final class Attested {
        let machine: AttestedMachine
        let folder = FileManager.default.temporaryDirectory.appending(path: "attest-command-\(UUID())")

        init() throws {
            machine = try AttestedMachine()
            try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
            try Data(machine.tpm.log).write(to: folder.appending(path: "log"))
            for run in [
                try attest("--enroll", "enrolment.cbor", "--log", "log", "--output", "ak.pub"),
                try attest("--nonce", nonce, "--log", "log", "--output", "evidence.cbor"),
            ] { try #require(run.status == 0, "\(run.errors)") }
        }
        deinit { try? FileManager.default.removeItem(at: folder) }

        func attest(_ arguments: String...) throws -> ToolRun {
            machine.tpm.release()
            return try ToolRun(["attest", "--tpm", machine.tpm.path] + arguments, in: folder)
        }

        func verify(_ more: [String] = [], evidence: String = "evidence.cbor", nonce: String = nonce) throws -> ToolRun
        {
            try ToolRun(
                ["verify", evidence, machine.volume.path, "--nonce", nonce, "--key", "ak.pub", "--release", "0.1.0"]
                    + (more.contains("--no-baseline") ? [] : ["--baseline", "enrolment.cbor"]) + more,
                in: folder)
        }

        /// The evidence with a change.
        func write(_ name: String, _ change: (inout Evidence) -> Void) throws {
            var evidence = try Evidence([UInt8](Data(contentsOf: folder.appending(path: "evidence.cbor"))))
            change(&evidence)
            try Data(evidence.encode()).write(to: folder.appending(path: name))
        }
    }

    @Test func eachCheckHasALine() throws {
        let attested = try Attested()
        let good = try attested.verify(["--require", "secure-boot"])
        #expect(good.status == 0 && good.errors.isEmpty, "\(good.errors)")
        // The manifest's demands, one below the other.
        #expect(good.output.contains("does not boot it\n    first: required\n    second: none\n"), "\(good.output)")
        let lines = good.output.split(separator: "\n").filter { !$0.hasPrefix(" ") }
        let names = [
            "volume", "memory-keys", "key", "signature", "quote", "nonce", "log", "banks", "baseline", "pcr-11",
            "pcr-12",
            "program", "secure-boot", "clock",
        ]
        #expect(lines.map { String($0.split(separator: " ")[1].dropLast()) } == names)
        let marks = String(lines.compactMap(\.first))
        #expect(marks == "--✓✓✓✓✓✓✓✓✓✓✓-")
        struct Report: Decodable { var isGood: Bool, findings: [EvidenceFinding] }
        let json = try attested.verify(["--json", "--after", "evidence.cbor"])
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .convertFromSnakeCase
        let report = try decoder.decode(Report.self, from: Data(json.output.utf8))
        #expect(json.status == 0 && report.isGood && report.findings.last?.state == .good)
    }

    @Test func whatDoesNotHoldIsMarked() throws {
        let attested = try Attested()
        try attested.write("forged.cbor") { $0.log[$0.log.count - 1] ^= 1 }
        let forged = try attested.verify(evidence: "forged.cbor")
        #expect(
            forged.status == 1
                && forged.output.contains("\n✗ nonce: the quote was not made for this nonce and this log"))
        let replayed = try attested.verify(nonce: String(repeating: "a5", count: 16))
        #expect(replayed.status == 1 && replayed.output.contains("\n✗ nonce: the evidence answers another question"))
        let kernel = attested.machine.volume.appending(path: "BULKHEAD/second.elf")
        try Data([1]).write(to: kernel)
        let changed = try attested.verify()
        #expect(changed.status == 1)
        #expect(changed.output.contains("\n    the kernel second.elf measured is not the one in /"))
        let json = try attested.verify(["--json"])
        #expect(json.status == 1 && json.output.contains("\"is_good\" : false"))
    }

    /// An evidence that is not compared is said to be so; one is asked for, so that nobody forgets.
    @Test func theBaseline() throws {
        let attested = try Attested()
        let without = try attested.verify(["--no-baseline"])
        #expect(without.status == 0 && without.output.contains("\n- baseline: not compared: which firmware has run"))
        #expect(try attested.verify(["--no-baseline", "--baseline", "enrolment.cbor"]).status == 64)
        let neither = try ToolRun(
            [
                "verify", "evidence.cbor", attested.machine.volume.path, "--nonce", Self.nonce, "--key", "ak.pub",
            ], in: attested.folder)
        #expect(neither.status == 64 && neither.errors.contains("--baseline is needed"), "\(neither.errors)")
        // The key is that of --key-only, and the enrolment can be checked itself.
        #expect(try attested.attest("--key-only", "--output", "again.pub").status == 0)
        func text(_ name: String) throws -> Data { try Data(contentsOf: attested.folder.appending(path: name)) }
        #expect(try text("ak.pub") == text("again.pub"))
        let asked = try attested.attest(
            "--enroll", "asked.cbor", "--nonce", Self.nonce, "--log", "log", "--output", "again.pub")
        #expect(asked.status == 0, "\(asked.errors)")
        #expect(try attested.verify(evidence: "asked.cbor").status == 0)
        try attested.write("enrolment.cbor") { $0.values[2 * 32] ^= 1 }
        let changed = try attested.verify()
        #expect(
            changed.status == 1
                && changed.output.contains(
                    "\n✗ baseline: of the enrolment's evidence: the PCRs' values in the evidence are not those")
        )
    }

    @Test func whatCannotBeRead() throws {
        let attested = try Attested()
        #expect(try attested.verify(nonce: "5a").status == 64)
        #expect(try attested.verify(["--require", "nothing"]).status == 64)
        #expect(try attested.attest("--output", "x").status == 64)
        #expect(try attested.attest("--key-only", "--enroll", "y", "--output", "x").status == 64)
        #expect(try attested.attest("--key-only", "--nonce", Self.nonce, "--output", "x").status == 64)
        for (content, words) in [
            ("", "cannot be read, at byte 0: it is no evidence of the profile"), (nil, "No such file or directory"),
        ] {
            try content.map { try Data($0.utf8).write(to: attested.folder.appending(path: "other.cbor")) }
            let found = try attested.verify(evidence: content == nil ? "none" : "other.cbor")
            #expect(found.status == 1 && found.errors.contains(words), "\(found.errors)")
        }
        let noLog = try attested.attest("--nonce", Self.nonce, "--log", "ak.pub", "--output", "x")
        #expect(noLog.status == 1 && noLog.errors.contains("the event log cannot be read, at byte "))
        let noTPM = try ToolRun(
            ["attest", "--tpm", "/nonexistent", "--key-only", "--output", "x"], in: attested.folder)
        #expect(noTPM.status == 1 && noTPM.errors.contains("cannot open the TPM at /nonexistent"))
        #expect(!FileManager.default.fileExists(atPath: attested.folder.path + "/x"))
    }

    static let python = "/usr/bin/python3"

    private func independently(_ attested: Attested, _ evidence: String, nonce: String = nonce) throws -> (
        Int32, String
    ) {
        let script = URL(filePath: #filePath).deletingLastPathComponent().appending(
            path: "../../../Tools/verify-evidence")
        let folder = attested.folder.path + "/"
        do {
            return (
                0,
                try Tool.run(
                    Self.python,
                    [
                        script.standardized.path, folder + evidence, "--nonce", nonce, "--key", folder + "ak.pub",
                        "--parts",
                        attested.folder.path,
                    ])
            )
        } catch MachineError.program(_, let status, let output) { return (status, output) }
    }

    /// cbor2 and cryptography, then tpm2-tools.
    @Test func othersAgree() throws {
        let attested = try Attested(), expected = attested.machine.expected
        let (status, output) = try independently(attested, "evidence.cbor")
        #expect(status == 0, "\(output)")
        for (bank, values) in expected.pcrs {
            for (pcr, value) in values { #expect(output.contains("\(bank) \(pcr): \(value)\n")) }
        }
        func checkQuote(_ qualification: String) throws {
            let folder = attested.folder.path + "/"
            try Tool.run(
                "tpm2_checkquote",
                [
                    "-u", folder + "ak.pub", "-m", folder + "quote", "-s", folder + "signature", "-g", "sha256", "-q",
                    qualification, "-f", folder + "pcrs",
                ])
        }
        let qualification = try String(contentsOf: attested.folder.appending(path: "qualification"), encoding: .utf8)
        try checkQuote(qualification)
        #expect(throws: MachineError.self) { try checkQuote(Self.nonce) }
        // What they refuse, as `verify` does.
        #expect(try independently(attested, "evidence.cbor", nonce: "5a5a5a5a5a5a5a5a").0 == 1)
        let changes: [(String, (inout Evidence) -> Void)] = [
            ("not signed", { $0.quote[$0.quote.count - 1] ^= 1 }), ("not signed", { $0.signature[20] ^= 1 }),
            ("for this nonce and this log", { $0.log[$0.log.count - 1] ^= 1 }),
            ("values are not those", { $0.values[5] ^= 1 }),
        ]
        for (words, change) in changes {
            try attested.write("bad.cbor", change)
            let (status, output) = try independently(attested, "bad.cbor")
            #expect(status == 1 && output.contains(words), "\(output)")
            if words.hasPrefix("for") { continue }
            #expect(throws: MachineError.self) { try checkQuote(qualification) }
        }
    }
}
