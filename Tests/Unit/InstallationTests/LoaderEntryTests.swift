import Foundation
import Installation
import Testing

/// Names and choice as the Boot Loader Specification and systemd-boot have them.
@Suite struct LoaderEntryTests {
    func entry(_ slot: Slot, _ version: Int, left: Int? = nil, done: Int = 0) -> LoaderEntry {
        var entry = LoaderEntry(slot, version: version, tries: left)
        entry.triesDone = done
        return entry
    }

    @Test func names() {
        #expect(entry(.a, 1).fileName == "bulkhead-a-v1.conf")
        #expect(entry(.b, 2, left: 3).fileName == "bulkhead-b-v2+3.conf")
        #expect(entry(.b, 2, left: 1, done: 2).fileName == "bulkhead-b-v2+1-2.conf")
        let unseen = LoaderEntry(.b, version: 9, tries: nil, isUnseen: true)
        #expect(unseen.fileName == "bulkhead-b-v9-unseen.conf" && !unseen.isConfirmed)
        for one in [unseen, entry(.a, 1), entry(.b, 2, left: 3), entry(.b, 7, left: 0, done: 3)] {
            #expect(LoaderEntry(fileName: one.fileName, content: one.content) == one)
        }
        // FAT may give the name back in capitals.
        #expect(LoaderEntry(fileName: "BULKHEAD-A-V1.CONF", content: entry(.a, 1).content) == entry(.a, 1))
        // As disks of older days have them; and a name that says something else than the file does.
        #expect(LoaderEntry(fileName: "bulkhead-a.conf", content: entry(.a, 1).content) == entry(.a, 1))
        #expect(LoaderEntry(fileName: "bulkhead-a-v2.conf", content: entry(.a, 1).content) == nil)
    }

    @Test func whatIsNoneOfOurs() {
        let good = entry(.a, 1)
        #expect(LoaderEntry(fileName: "debian.conf", content: good.content) == nil)
        #expect(LoaderEntry(fileName: "bulkhead-c.conf", content: good.content) == nil)
        // Half of a file, as a loss of power may leave it.
        for count in 0..<good.content.count - 1 {
            #expect(LoaderEntry(fileName: good.fileName, content: String(good.content.prefix(count))) == nil)
        }
        #expect(LoaderEntry(fileName: good.fileName, content: String(repeating: "\0", count: 200)) == nil)
    }

    @Test func choice() {
        #expect(LoaderEntry.chosen([]) == nil)
        #expect(LoaderEntry.chosen([entry(.a, 1), entry(.b, 2, left: 3)])?.slot == .b)
        #expect(LoaderEntry.chosen([entry(.b, 2, left: 1, done: 2), entry(.a, 1)])?.slot == .b)
        // No tries left: the older one.
        #expect(LoaderEntry.chosen([entry(.b, 2, left: 0, done: 3), entry(.a, 1)])?.slot == .a)
        // Both spent: something is started anyhow.
        #expect(LoaderEntry.chosen([entry(.b, 2, left: 0, done: 3), entry(.a, 1, left: 0, done: 3)])?.slot == .b)
    }
}
