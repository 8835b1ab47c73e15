@testable import Daemon
import Foundation
import Testing

@Suite struct DomainStoreTests {
    @Test func whatIsSavedIsThereAgain() throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "store-\(UUID())")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let path = folder.appending(path: "a.sqlite").path
        let first = StoredDomain(partition: "a", xml: "<domain>ä\n'</domain>", autostart: true, isUndefined: false)
        let second = StoredDomain(partition: "b", xml: nil, autostart: false, isUndefined: true)
        let store = try DomainStore(path: path)
        try store.save(machine: "m", first)
        try store.save(machine: "m", StoredDomain(partition: "b", xml: "x", autostart: true, isUndefined: false))
        try store.save(machine: "m", second)
        try store.save(machine: "other", second)
        // Another process's view, while the first still has it open.
        let again = try DomainStore(path: path)
        #expect(try again.load(machine: "m").sorted { $0.partition < $1.partition } == [first, second])
        #expect(try again.load(machine: "nobody") == [])
    }

    @Test func aDatabaseThatCannotBeOpenedIsSaid() {
        #expect(throws: (any Error).self) { try DomainStore(path: "/nowhere/a.sqlite") }
    }
}
