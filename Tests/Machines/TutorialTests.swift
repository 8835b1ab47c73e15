import ControlClient
import Foundation
import Machines
import ManifestFile
import TestKit
import Testing
import UnitSupport

extension MachineTests {
    /// What the pages under Documentation/tutorials make runs as they say.
    @Suite(.serialized, .stopsMachines) struct Tutorials {
        @Test func aSmallKernelSaysHello() throws {
            let workspace = Workspace(
                root: URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../..").standardized)
            let tutorial = try Tutorial("small-kernel", root: workspace.root)
            _ = try tutorial.run()
            let testbed = try Testbed(
                manifest: tutorial.folder.appending(path: "hello.yaml").path, workspace, name: "test-tutorial",
                images: .search([tutorial.folder.path], thenCheckout: false))
            defer { testbed.stop() }
            let client = try ControlClient(testbed.machine, path: testbed.socket.path)
            let guest = ScriptedGuest("small", client, on: testbed.machine)
            try guest.wait(for: "a small kernel says hello", seconds: 60)
        }
    }
}
