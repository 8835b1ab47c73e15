import Machines
import TestKit
import Testing

@Suite struct DifferenceTableTests {
    @Test func rowsOfOneVendor() throws {
        let yaml = """
            amd:
              a: {bare: done, partition: "#GP", why: "one"}
              b: {bare: "#UD", partition: "#UD"}
            intel:
              c: {bare: done, partition: "#UD", why: "another"}
            """
        #expect(try DifferenceTable(yaml: yaml, for: .amd).rows.map(\.name) == ["a", "b"])
        #expect(
            try DifferenceTable(yaml: yaml, for: .intel).rows == [.init(name: "c", bare: "done", partition: "#UD")])
    }

    @Test func aDifferenceWithoutItsReasonIsRefused() {
        for row in ["{bare: done, partition: \"#GP\"}", "{bare: done, partition: \"#GP\", why: \"\"}", "{bare: done}"] {
            #expect(throws: AdversaryError.self) { try DifferenceTable(yaml: "amd:\n  a: \(row)\n", for: .amd) }
        }
    }
}
