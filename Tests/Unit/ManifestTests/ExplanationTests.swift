import CBOR
import Foundation
import Manifest
import ManifestRules
import Testing

@Suite struct ExplanationTests {
    /// One table: each number has a phrase and advice, no number means two things, and every fact has its place.
    @Test func everyReasonHasWords() {
        let all = ManifestRefusal.Reason.all
        #expect(all.count == 82)
        #expect(Set(all.map(\.number)).count == all.count)
        for reason in all {
            #expect(ManifestRefusal.Reason(number: reason.number) == reason)
            #expect(!reason.phrase.isEmpty && !reason.phrase.contains("%"), "\(reason)")
            #expect(reason.advice.hasSuffix("."), "\(reason)")
            guard case .hypervisor(let known) = reason else { continue }
            // Twice: once about the machine, once about partitions without names.
            for partition in [nil, 7] {
                let error = ManifestError(known, partition: partition, other: partition, value: .max, bound: .max)
                let words = error.sentence(Manifest())
                #expect(!words.isEmpty && !words.contains("%") && words.utf8.count + 5 <= 181, "\(words)")
                #expect(ManifestField(error).name.isEmpty == false)
            }
        }
        for rule in ManifestRule.allCases { #expect(!ManifestError.Reason.all.contains { $0.number == rule.rawValue }) }
    }

    /// `all` lists what the enumeration has, in the order of its numbers, which the words begin with.
    @Test func everyCaseIsListed() throws {
        let all = ManifestError.Reason.all
        for reason in all { #expect(reason.rawValue.text.description.hasPrefix("R\(reason.number) ")) }
        #expect(all.map(\.number) == all.map(\.number).sorted() && Set(all).count == all.count)
        let root = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../../..")
        let source = root.appending(path: "Sources/Shared/Manifest/Refusals/ManifestError.swift")
        let lines = try String(contentsOf: source, encoding: .utf8).split(separator: "\n")
        #expect(lines.count { $0.contains("        case ") } == all.count)
    }

    @Test func facts() {
        let error = ManifestError(.deviceOther, partition: 0, value: 0x0110, bound: 0x8086_10d3_1234_11e8)
        #expect(
            error.sentence(sample()) == "function 01:02.0 of partition \"control-loop\" is 8086:10d3 in this machine; "
                + "the manifest says 1234:11e8")
        #expect(
            ManifestRefusal.Reason.hypervisor(.deviceOther).phrase
                == "function ... of ... is ... in this machine; the manifest says ...")
    }

    @Test(arguments: ["84", "R84", "r84", " R84\r\n"]) func byNumber(_ text: String) throws {
        let explanation = try #require(RefusalExplanation(text))
        #expect(explanation.reason == .hypervisor(.memoryNotFree) && explanation.told == nil)
        #expect(explanation.text.hasPrefix("R84: ... claims ... of memory at ..., where this machine has no such"))
        #expect(explanation.text.contains("Leave `at` out"))
    }

    @Test func byLine() throws {
        let words =
            "partition \"high\" claims 64 MiB of memory at 0x10000000000, where this machine has no such free memory"
        for line in ["bulkhead: refused: R84 \(words)", "[  3.2] bulkhead: refused: R84 \(words)\r", "R84 \(words)"] {
            let explanation = try #require(RefusalExplanation(line))
            #expect(explanation.reason == .hypervisor(.memoryNotFree) && explanation.told == words)
            #expect(explanation.text.hasPrefix("R84: \(words).\n"))
        }
    }

    /// The hypervisor gives a number for what is wrong with the encoding; the words are the tool's.
    @Test func encodingErrors() throws {
        for code in UInt8(1)...17 {
            let error = ManifestError(.encoding, value: 4, bound: UInt64(code))
            let console = error.sentence(Manifest())
            #expect(console == "the manifest is damaged at byte 4 (CBOR error \(code)); compile it again")
            let words = ManifestRefusal(error).sentence(Manifest())
            #expect(words.hasPrefix("the manifest is damaged at byte 4: "))
            let explained = try #require(RefusalExplanation("bulkhead: refused: R1 \(console)")).text
            #expect(explained.contains(words.dropFirst("the manifest is damaged at byte 4: ".count)))
        }
        #expect(
            ManifestRefusal(ManifestError(.encoding, bound: 8)).sentence(Manifest()).hasSuffix(
                "another kind is expected"))
    }

    @Test(
        arguments: [
            "", "R", "R0", "0", "R255", "R256", "R12", "bulkhead: refused:", "84 84 is not: R84",
            "bulkhead: refused: image R84: there is no such file on the boot volume",
        ]) func nothingToExplain(_ text: String)
    {
        let explanation = RefusalExplanation(text)
        #expect(explanation == nil || explanation?.told == "84 is not: R84")
    }
}
