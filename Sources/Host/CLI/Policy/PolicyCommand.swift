import ArgumentParser
import Foundation
import Manifest
import ManifestFile
import Policy

/// `bulkhead policy`: what the daemon's policy lets whom do.
struct PolicyCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "policy", abstract: "Say what the daemon's policy lets whom do, and which rule says so.",
        discussion: """
            The file is bulkheadd's --policy:

              roles:
                operator:
                  - allow: [read, console, start, stop]
                    partitions: [workload]
                    when: {secure-boot: true, hours: 06:00-20:00, days: [mon, tue, wed, thu, fri]}
                viewer:
                  - {allow: [read], partitions: all}
              users:
                alice: [operator, viewer]
              certificates:
                bob: [viewer]
            """,
        subcommands: [Check.self, Explain.self])

    struct File: ParsableArguments {
        @Option(help: ArgumentHelp("The policy.", valueName: "file")) var file = "policy.yaml"

        /// What is wrong with it is said line by line.
        func read() throws -> Policy {
            do { return try Policy(contentsOf: file) } catch {
                for problem in error.problems { Manage.fail(problem.description) }
                throw ExitCode(2)
            }
        }
    }

    struct Check: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Read a policy, and say what is wrong with it.",
            discussion: """
                Exit codes: 0 it is good; 1 it is, but for users that this machine does not have; 2 it is not, or cannot be read; 64 the \
                command line is wrong.
                """)

        @OptionGroup var policy: File

        func run() throws {
            let found = try policy.read()
            print("\(policy.file): good; users: \(found.names.joined(separator: ", "))")
            guard !found.unknownUsers.isEmpty else { return }
            let names = found.unknownUsers.map(quoted).joined(separator: ", ")
            Manage.fail("\(policy.file): not on this machine, and with no rights: \(names)")
            throw ExitCode(1)
        }
    }

    struct Explain: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Say whether somebody may do something, and why.",
            discussion: """
                Of the machine the daemon knows what it has: here a running one is asked, or --with says what it has.

                  bulkhead policy explain --as alice start workload
                  bulkhead policy explain --as alice stop workload --with secure-boot --machine-name box-1 --at 2026-11-29T12:00:00Z

                Exit codes: 0 yes; 1 no; 2 the policy is not good; 3 the machine cannot be reached; 64 the command line is wrong.
                """)

        @OptionGroup var policy: File
        @OptionGroup var machine: MachineOptions
        @Option(
            name: .customLong("as"),
            help: ArgumentHelp("The user, by name or uid, or certificate:NAME.", valueName: "user")) var user: String
        @Option(
            name: .customLong("with"),
            help: ArgumentHelp(
                "What the machine has: secure-boot, tpm, owner-key or nothing; repeatable.", valueName: "anchor"))
        var anchors: [String] = []
        @Option(help: ArgumentHelp("With --with: what the machine is called.", valueName: "name"))
        var machineName: String?
        @Option(help: ArgumentHelp("When (default: now).", valueName: "time")) var at: String?
        @Argument(help: "read, console, start, stop, pause, restart or define.") var operation: String
        @Argument(help: "The partition.") var partition: String

        private static let known: [String: TrustAnchors] = [
            "secure-boot": .secureBoot, "tpm": .tpm, "owner-key": .ownerKey, "nothing": TrustAnchors(),
        ]

        func validate() throws {
            guard PolicyOperation(rawValue: operation) != nil else {
                let names = PolicyOperation.allCases.map(\.rawValue)
                throw ValidationError(
                    "\"\(operation)\" is nothing that can be allowed; \(hint(for: operation, among: names))")
            }
            for anchor in anchors where Self.known[anchor] == nil {
                throw ValidationError("--with takes \(Self.known.keys.sorted().joined(separator: ", "))")
            }
            guard machineName == nil || !anchors.isEmpty else {
                throw ValidationError("--machine-name goes with --with")
            }
            guard at == nil || time != nil else {
                throw ValidationError("--at takes a time such as 2026-11-29T12:00:00Z")
            }
        }

        private var time: Date? { at.map { try? Date($0, strategy: .iso8601) } ?? Date() }

        func run() throws {
            let policy = try policy.read()
            guard let operation = PolicyOperation(rawValue: operation) else { return }
            let subject = policy.subject(user)
            var facts = PolicyFacts(machine: machineName ?? "", trust: TrustAnchors(), time: time ?? Date())
            if anchors.isEmpty {
                try Manage.run {
                    let hello = try machine.connect().hello()
                    (facts.machine, facts.trust) = (hello.name.string, hello.trust)
                }
            }
            for anchor in anchors { facts.trust.insert(Self.known[anchor] ?? TrustAnchors()) }
            // What one does not see is not there.
            let read = policy.decide(.read, on: partition, for: subject, facts)
            let decision = read.isAllowed ? policy.decide(operation, on: partition, for: subject, facts) : read
            print("\(decision.isAllowed ? "yes" : "no"): \(decision.words)")
            if !decision.isAllowed { throw ExitCode(1) }
        }
    }
}
