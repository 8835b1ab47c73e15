import Foundation
import Manifest
import ManifestFile
@testable import Policy
import Testing

/// What no rule allows is denied, and the answer says why.
@Suite struct PolicyTests {
    static let text = """
        roles:
          operator:
            - allow: [read, console, start, stop]
              partitions: [workload]
              when: {secure-boot: true, hours: 06:00-20:00, days: [mon, tue, wed, thu, fri]}
            - allow: [restart]
              partitions: [workload]
          night:
            - allow: [start]
              partitions: all
              when: {hours: 22:00-06:00}
            - {allow: [pause], partitions: all, when: {machine: box-1, tpm: false}}
          viewer:
            - {allow: [read], partitions: all}
        users:
          alice: [operator, viewer]
          bob: [night]
          "77": [viewer]
        """

    static func policy(_ text: String = text) throws(ManifestRefused) -> Policy {
        try Policy(text, file: "p", uid: Self.find)
    }

    static func find(_ name: String) -> FoundUser {
        if name == "far" { return .unknown(ETIMEDOUT) }
        return ["alice": 1000, "bob": 1001, "twin": 1000][name].map { .uid($0) } ?? .absent
    }

    /// - Parameter at: of 2026; the 23rd of November is a Monday.
    static func facts(_ at: String = "11-23T12:00", _ trust: TrustAnchors = .secureBoot, machine: String? = "box-1")
        -> PolicyFacts
    {
        let time = try? Date("2026-\(at):00Z", strategy: .iso8601)
        return PolicyFacts(machine: machine, trust: trust, time: time ?? .distantPast)
    }

    struct Case: Sendable {
        var uid: UInt32?
        var operation: PolicyOperation
        var partition: String? = "workload"
        var facts = PolicyTests.facts()
        /// nil: yes.
        var refusal: String?
    }

    static let cases: [(Case, String)] = [
        (Case(uid: 1000, operation: .start), "role operator, line 3"),
        (Case(uid: 1000, operation: .restart), "role operator, line 6"),
        // A second role that needs less.
        (Case(uid: 1000, operation: .read, facts: facts("11-22T12:00")), "role viewer, line 14"),
        (Case(uid: 77, operation: .read, partition: "x"), "role viewer, line 14"),
        (Case(uid: 1001, operation: .start, facts: facts("11-22T22:00")), "role night, line 9"),
        (Case(uid: 1001, operation: .start, facts: facts("11-22T05:59")), "role night, line 9"),
        (Case(uid: 1001, operation: .pause, facts: facts("11-22T12:00", TrustAnchors())), "role night, line 12"),
        (Case(uid: 1000, operation: .start, partition: nil), "role operator, line 3"),
    ]

    @Test(arguments: cases) func whatIsAllowed(_ item: Case, _ words: String) throws {
        let decision = try Self.policy().decide(
            item.operation, on: item.partition, for: item.uid.map { .uid($0) }, item.facts)
        #expect(decision.isAllowed && decision.words == words)
    }

    static let refusals: [(Case, String)] = [
        (
            Case(uid: 1000, operation: .start, partition: "loop"),
            "let alice start on loop: no rule of operator, viewer does"
        ),
        (Case(uid: 1000, operation: .define), "let alice define on workload: no rule of operator, viewer does"),
        (
            Case(uid: 1000, operation: .start, facts: facts("11-23T12:00", TrustAnchors())),
            "line 3: only with secure-boot"
        ),
        (Case(uid: 1000, operation: .start, facts: facts(machine: nil)), "line 3: only with secure-boot"),
        (Case(uid: 1000, operation: .start, facts: facts("11-23T05:59")), "line 3: only from 06:00 to 20:00 UTC"),
        (Case(uid: 1000, operation: .start, facts: facts("11-23T20:00")), "line 3: only from 06:00 to 20:00 UTC"),
        (Case(uid: 1000, operation: .start, facts: facts("11-22T12:00")), "line 3: only on mon, tue, wed, thu, fri"),
        (Case(uid: 1001, operation: .start), "line 9: only from 22:00 to 06:00 UTC"),
        (Case(uid: 1001, operation: .start, facts: facts("11-22T06:00")), "line 9: only from 22:00 to 06:00 UTC"),
        (Case(uid: 1001, operation: .pause, facts: facts("11-22T12:00", .tpm)), "line 12: only without tpm"),
        // What is not known is not so, either way.
        (
            Case(uid: 1001, operation: .pause, facts: facts("11-22T12:00", TrustAnchors(), machine: nil)),
            "line 12: only without tpm"
        ),
        (Case(uid: 1001, operation: .pause, facts: facts(machine: "box-2")), "line 12: only on machine \"box-1\""),
        (Case(uid: 0, operation: .read), "the policy has no user with uid 0"),
        (Case(uid: nil, operation: .read), "the policy has no user with uid unknown"),
    ]

    @Test(arguments: refusals) func whatIsNot(_ item: Case, _ words: String) throws {
        let decision = try Self.policy().decide(
            item.operation, on: item.partition, for: item.uid.map { .uid($0) }, item.facts)
        #expect(!decision.isAllowed && decision.words.hasSuffix(words), "\(decision.words)")
    }

    /// Each day begins at midnight in UTC, before 1970 too.
    @Test func theDaysAreTheCalendars() throws {
        for (date, day) in [
            ("1970-01-01", 4), ("1969-12-31", 3), ("2026-11-29", 7), ("2000-02-29", 2), ("1899-12-31", 7),
        ] {
            let midnight = try Date("\(date)T00:00:00Z", strategy: .iso8601)
            for (time, now) in [(midnight, day), (midnight + 86399, day), (midnight - 1, (day + 5) % 7 + 1)] {
                for other in 1...7 {
                    let conditions = PolicyConditions(days: [other])
                    let unmet = conditions.unmet(PolicyFacts(machine: "m", trust: TrustAnchors(), time: time))
                    #expect((unmet == nil) == (other == now), "\(date) \(time) \(other)")
                }
            }
        }
    }

    static let faults: [(String, String)] = [
        ("", "p: the file is empty"),
        ("roles: {}", "p:1: the policy has no \"users\" and no \"certificates\""),
        ("roles: {}\nusers: {}\nrules: 1", "p:3: unknown key \"rules\" in the policy; did you mean \"roles\"?"),
        ("roles: {a: [{allow: [read]}]}\nusers: {}", "p:1: a rule has no \"partitions\""),
        (
            "roles:\n  a:\n    - {allow: [reed], partitions: all}\nusers: {}",
            "p:3: \"reed\" is nothing that can be allowed; did you mean \"read\"?"
        ),
        (
            "roles: {a: [{allow: [], partitions: all}]}\nusers: {}",
            "p:1: \"allow\" must be a list with something in it; write [a, b]"
        ),
        (
            "roles: {a: [{allow: [read], partitions: none}]}\nusers: {}",
            "p:1: \"partitions\", if not \"all\", must be a list with something in it; write [a, b]"
        ),
        (
            "roles: {a: [{allow: [read], partitions: all, when: {hours: 6-20}}]}\nusers: {}",
            "p:1: \"6-20\" is no time of the day; write 06:00-20:00, in UTC"
        ),
        (
            "roles: {a: [{allow: [read], partitions: all, when: {hours: 20:00-20:00}}]}\nusers: {}",
            "p:1: \"20:00-20:00\" is no time of the day; write 06:00-20:00, in UTC"
        ),
        (
            "roles: {a: [{allow: [read], partitions: all, when: {tpm: maybe}}]}\nusers: {}",
            "p:1: \"tpm\": \"maybe\" is neither true nor false; write true or false"
        ),
        (
            "roles: {a: [{allow: [read], partitions: all, when: {days: [monday]}}]}\nusers: {}",
            "p:1: \"monday\" is no day; known here: mon, tue, wed, thu, fri, sat, sun"
        ),
        ("roles: {}\nusers: {alice: [root]}", "p:2: there is no role \"root\"; known here: "),
        (
            "roles: {a: []}\nusers:\n  alice: [a]\n  twin: [a]",
            "p:4: \"twin\" has uid 1000, which another line has already"
        ),
        (
            "roles: {a: []}\nusers: {far: [a]}",
            "p:2: whether there is a user \"far\" is not known now: Connection timed out"
        ),
        ("roles: {a: []}\nusers: {4294967296: [a]}", "p:2: 4294967296 is no uid"),
        (
            "roles: {a: []}\nusers: {65534: [a]}",
            "p:2: uid 65534 is whom the kernel has no number for: anybody may come as that"
        ),
        ("roles: {1: [], \"1\": []}\nusers: {}", "p:1: role \"1\" occurs more than once"),
        (
            "roles: {a: [{allow: [read], partitions: [all]}]}\nusers: {}",
            "p:1: \"all\" stands alone; write partitions: all"
        ),
        ("roles: &x {a: []}\nusers: *x", "p:1: anchors (&) and aliases (*) are not used here; write the value out"),
        ("roles: {a: [], a: []}\nusers: {}", "p:1: the key \"a\" occurs more than once"),
        (
            "roles: {\"a\\nb\": []}\nusers: {}",
            "p:1: \"a?b\" is no role's name; write 64 visible characters at most"
        ),
        (
            "roles: {a: []}\nusers: {\"\\e[1mroot\": [a]}",
            "p:2: \"?[1mroot\" is no user's name; write 64 visible characters at most"
        ),
    ]

    @Test(arguments: faults) func aFaultIsNamed(_ text: String, _ words: String) {
        do throws(ManifestRefused) {
            _ = try Self.policy(text)
            Issue.record("it was taken: \(text)")
        } catch { #expect(error.description == words) }
    }

    /// A sign makes no number: `-0` would be root.
    @Test(arguments: ["-0", "+5"]) func aSignMakesNoNumber(_ name: String) throws {
        let policy = try Self.policy("roles: {v: [{allow: [read], partitions: all}]}\nusers: {\"\(name)\": [v]}")
        #expect(policy.unknownUsers == [name] && policy.names == [] && policy.subject(name) == nil)
    }

    /// A key that is an alias of aliases stands for a hundred million nodes; it is refused before it is followed.
    @Test func aKeyOfAliasesTakesNoTime() {
        var text = "? &a0 [x,x,x,x,x,x,x,x,x,x]\n: 1\n"
        for level in 1..<9 {
            text += "? &a\(level) [\(Array(repeating: "*a\(level - 1)", count: 10).joined(separator: ","))]\n: 1\n"
        }
        do throws(ManifestRefused) {
            _ = try Self.policy(text)
            Issue.record("it was taken")
        } catch {
            #expect(error.description == "p:1: anchors (&) and aliases (*) are not used here; write the value out")
        }
    }

    /// What only looks like anchors and aliases is text.
    @Test func ampersandsAndAsterisksAreText() throws {
        let text = """
            # *all* of them & more
            roles: {"*": [{allow: [read], partitions: [a&b, "*a"]}], "&b": [{allow: [stop], partitions: all}]}
            users: {alice: ["*", "&b"]}
            """
        let policy = try Self.policy(text)
        #expect(policy.decide(.read, on: "*a", for: .uid(1000), Self.facts()).words == "role *, line 2")
    }

    /// Somebody who has left keeps nobody's rights from being taken back.
    @Test func whoIsNotThereHasNothing() throws {
        let policy = try Self.policy("roles: {v: [{allow: [read], partitions: all}]}\nusers: {carol: [v], bob: [v]}")
        #expect(policy.unknownUsers == ["carol"] && policy.names == ["bob"])
        #expect(policy.decide(.read, on: "x", for: .uid(1001), Self.facts()).isAllowed)
    }

    /// Of another namespace, or of nobody: whatever a policy has for such numbers is nobody's.
    @Test(arguments: [65534, .max] as [UInt32]) func whoHasNoNumberIsNobody(_ uid: UInt32) throws {
        var policy = try Self.policy()
        policy.subjects[.uid(uid)] = ("none", ["viewer"])
        #expect(
            policy.refusal(of: .uid(uid)) != nil
                && !policy.decide(.read, on: "x", for: .uid(uid), Self.facts()).isAllowed)
        #expect(!policy.allowsEverywhere(.read, for: .uid(uid), Self.facts()))
    }

    @Test func theSystemsUsersAreFound() {
        #expect(Policy.systemUser("root") == .uid(0) && Policy.systemUser("nobody-of-this-name") == .absent)
    }

    @Test func whoOnlyReadsIsKnown() throws {
        let policy = try Self.policy()
        #expect(
            [1000, 1001].allSatisfy { policy.mayChange(.uid($0)) } && ![77, 5].contains { policy.mayChange(.uid($0)) })
    }

    /// Whoever may write into it may do everything.
    @Test func aFileOfOthersIsNoPolicy() throws {
        let path = FileManager.default.temporaryDirectory.appending(path: "policy-\(UUID()).yaml").path
        defer { try? FileManager.default.removeItem(atPath: path) }
        #expect(throws: ManifestRefused.self) { _ = try Policy(contentsOf: path) }
        try "roles: {v: [{allow: [read], partitions: all}]}\nusers: {0: [v]}".write(
            toFile: path, atomically: false, encoding: .utf8)
        for (mode, isGood) in [(0o644, true), (0o600, true), (0o664, false), (0o646, false)] as [(mode_t, Bool)] {
            #expect(unsafe chmod(path, mode) == 0)
            #expect(((try? Policy(contentsOf: path)) != nil) == isGood, "\(mode)")
        }
        #expect(throws: ManifestRefused.self) { _ = try Policy(contentsOf: "/dev/null") }
        #expect(throws: ManifestRefused.self) { _ = try Policy(contentsOf: "/tmp") }
    }

    /// A certificate's name is no user's, be it the same word.
    @Test func certificatesAreNoUsers() throws {
        let policy = try Self.policy(
            """
            roles:
              starter: [{allow: [start], partitions: [workload]}]
              viewer: [{allow: [read], partitions: all}]
            users: {alice: [viewer]}
            certificates: {alice: [starter], "1000": [starter]}
            """)
        let facts = Self.facts()
        let subjects: [PolicySubject] = [.certificate("alice"), .certificate("1000"), .uid(1000)]
        #expect(
            subjects.map { policy.decide(.start, on: "workload", for: $0, facts).isAllowed } == [true, true, false])
        #expect(
            subjects.map { policy.decide(.read, on: "workload", for: $0, facts).isAllowed } == [false, false, true])
        #expect(policy.refusal(of: .certificate("bob")) == "the policy has no certificate bob")
        #expect(policy.subject("certificate:alice") == .certificate("alice") && policy.subject("alice") == .uid(1000))
        #expect(policy.subject("1000") == .uid(1000) && policy.subject("bob") == nil)
        #expect(policy.names == ["alice", "certificate:1000", "certificate:alice"])
        let alone = try Self.policy("roles: {v: [{allow: [read], partitions: all}]}\ncertificates: {a: [v]}")
        #expect(alone.decide(.read, on: "x", for: .certificate("a"), facts).isAllowed)
        for text in [
            "roles: {}", "roles: {v: []}\ncertificates: {a b: [v]}", "roles: {v: []}\ncertificates: {a: [w]}",
            "roles: {v: []}\ncertificates: {1: [v], \"1\": [v]}", "roles: {v: []}\ncertificates: {a: []}",
        ] {
            #expect(throws: ManifestRefused.self, "\(text)") { try Self.policy(text) }
        }
    }
}
