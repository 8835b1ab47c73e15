import Testing
import UnitSupport

/// What tutorials say can be done by whoever copies it; `MachineTests/Tutorials` boots the result.
@Suite struct TutorialTests {
    @Test func aSmallKernel() throws {
        let tutorial = try Tutorial("small-kernel", root: Repository.current.root)
        #expect(try tutorial.run().hasPrefix("hello.yaml: good. 1 partition"))
    }
}
