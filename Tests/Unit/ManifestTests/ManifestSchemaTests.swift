import Foundation
import ManifestFile
import Testing

/// The schema for editors has the keys and words that the reader knows.
@Suite struct ManifestSchemaTests {
    let schema: [String: Any]

    init() throws {
        let text = try manifestSchema()
        schema = try #require(try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
    }

    func properties(_ path: String...) -> [String: Any] {
        var place = schema
        for step in path {
            let next = (place["properties"] as? [String: Any])?[step] as? [String: Any] ?? [:]
            place = next["items"] as? [String: Any] ?? next
        }
        // Of several forms the one with keys.
        if let forms = place["oneOf"] as? [[String: Any]] { place = forms.first { $0["properties"] != nil } ?? place }
        return place["properties"] as? [String: Any] ?? [:]
    }

    /// What the reader names as unknown is not in the schema, and what it names nothing of is.
    @Test func keysAreTheReaders() {
        let text = """
            name: a
            machine: {cores: 3, memory: 1G}
            housekeeping: 0
            link: serial
            security-version: 4
            require: [tpm]
            partitions:
              - name: b
                cores: [1]
                memory: {size: 64M, at: 0x100000000}
                image: {kernel: k, initrd: i}
                command-line: quiet
                console: true
                control: true
                tpm: true
                secret: \(String(repeating: "0f", count: 48))
                autostart: true
                on-poweroff: stop
                on-reboot: restart
                on-crash: stop
                watchdog: 60s
                restart-limit: 5
                ready: watchdog
                permit: [start]
                devices: [{pci: "00:03.0", id: "8086:10d3", virtual-functions: 1, reset: none}]
                cache: {l3: 4 ways, l2: 25%}
                bandwidth: 40%
                memory-key: preferred
                accept: [split-smt]
                watch: {kernel: report, lock-after: 60s}
              - {name: c, cores: [2], memory: 64M, image: vmlinux}
            channels:
              - {name: lan, ends: [b, {partition: c, mac: '02:00:5e:10:00:01', kick: 100/s, rate: 1M/s}], kind: wire, mtu: 1400}
            """
        #expect(refusals(text) == [])
        #expect(
            Set(properties("channels").keys) == ["name", "ends", "kind", "mtu", "kick", "rate"])
        func keys(_ pattern: Regex<(Substring, Substring)>) -> Set<String> {
            Set(text.matches(of: pattern).map { String($0.1) })
        }
        #expect(Set(properties().keys) == keys(/(?m)^([a-z-]+):/))
        #expect(Set(properties("partitions").keys) == keys(/(?m)^  (?:  |- )([a-z-]+):/))
        #expect(Set(properties("partitions", "devices").keys) == ["pci", "id", "virtual-functions", "reset"])
        #expect(Set(properties("machine").keys) == ["cores", "memory"])
        // A key that is none is refused by both.
        #expect(refusals(text.replacing("console: true", with: "colour: true"))[0].contains("unknown key"))
        #expect(schema["additionalProperties"] as? Bool == false)
    }

    /// `uniqueItems`, says the schema.
    @Test func noWordIsNamedTwice() {
        func file(_ require: String, _ permit: String, _ accept: String) -> String {
            """
            name: a
            housekeeping: 0
            require: [\(require)]
            partitions:
              - {name: b, cores: [1], memory: 64M, image: k, permit: [\(permit)], accept: [\(accept)]}
            """
        }
        #expect(refusals(file("tpm", "start, stop", "split-smt")) == [])
        for (text, word) in [
            (file("tpm, secure-boot, tpm", "start", "split-smt"), "tpm"),
            (file("tpm", "start, stop, start", "split-smt"), "start"),
            (file("tpm", "start", "split-smt, split-smt"), "split-smt"),
        ] {
            let found = refusals(text)
            #expect(found.count == 1 && found.first?.contains("\"\(word)\" is named twice") == true, "\(found)")
        }
    }

    @Test func wordsAreTheReaders() throws {
        let crash = try #require(properties("partitions")["on-crash"] as? [String: Any])
        #expect(crash["enum"] as? [String] == ["stop", "restart"])
        let link = try #require(properties()["link"] as? [String: Any])
        #expect(link["enum"] as? [String] == ["none", "serial"])
    }
}
