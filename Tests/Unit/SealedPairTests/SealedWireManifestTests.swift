import Foundation
import Machines
import ManifestFile
import SealedPair
import Testing
import Trust

@Suite struct SealedWireManifestTests {
    private let example: String

    init() throws {
        let root = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../../..").standardized
        example = try String(contentsOfFile: Example.sealedWire.manifest(Workspace(root: root)), encoding: .utf8)
    }

    /// They differ where the file says so, and nowhere else.
    @Test func theOtherMachineIsAnotherAndHasTheSameSecret() throws {
        let secret = [UInt8](repeating: 7, count: 32)
        let texts = try SealedWireManifests(example: example, secret: secret)
        let (left, right) = (
            try parseManifest(texts.left, file: "left", images: .unchecked),
            try parseManifest(texts.right, file: "right", images: .unchecked)
        )
        let digest = Digest384(of: Data(secret))
        #expect(left.partitions[0].secret == digest && right.partitions[0].secret == digest)
        #expect(left.name.string == "sealed-wire" && right.name.string == "sealed-wire-right")
        #expect(left.channels[0].ends[0].mac != right.channels[0].ends[0].mac)
        #expect(left.partitions[0].commandLine.string.hasSuffix("own=10.9.0.1 bulkhead.peer=10.9.0.2"))
        #expect(right.partitions[0].commandLine.string.hasSuffix("own=10.9.0.2 bulkhead.peer=10.9.0.1"))
        func lines(_ text: String) -> [Substring] { text.split(separator: "\n", omittingEmptySubsequences: false) }
        let changed = zip(lines(example), lines(texts.right)).filter { $0 != $1 }
        #expect(changed.count == 3 && lines(example).count == lines(texts.right).count)
    }

    /// A file in which nothing is replaced would give two machines with the same addresses.
    @Test func aFileWithoutOneOfThePlacesIsRefused() {
        for place in ["name: sealed-wire\n", "own=10.9.0.1", "secret: a38f"] {
            let other = example.replacingOccurrences(of: place, with: "x")
            #expect(other != example)
            #expect(throws: MachineError.self) { try SealedWireManifests(example: other, secret: []) }
            #expect(throws: MachineError.self) { try SealedWireManifests(example: example + example, secret: []) }
        }
    }
}
