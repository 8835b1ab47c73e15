@testable import CrashReports
import Testing

@Suite struct VMXInstructionErrorTests {
    /// Section 31.4: the numbers that are assigned, each with its own words.
    @Test func instructionErrors() {
        let assigned = Set([1...13, 15...20, 22...26, 28...28].joined())
        let other = VMXInstructionError.text(0).description
        var texts: Set<String> = []
        for number in 1...40 as ClosedRange<UInt32> {
            let text = VMXInstructionError.text(number).description
            #expect((text != other) == assigned.contains(Int(number)), "\(number)")
            if text != other { #expect(texts.insert(text).inserted) }
        }
        #expect(VMXInstructionError.text(7).description.contains("controls"))
        #expect(VMXInstructionError.text(8).description.contains("host state"))
        #expect(VMXInstructionError.text(.max).description == other)
    }
}
