import Foundation

/// A machine that shows what people build with partitions and wires: a manifest of `Examples/`, the guests and devices
/// that it needs, and what is to be seen on it.
public struct Example: Sendable {
    public let name: String
    /// One line on what it shows.
    public let abstract: String
    /// The recipe of `Guests` that makes its guests, and its options.
    let recipe: [String]
    /// The emulator's IOMMU; nil: no partition has a device.
    public let iommu: EmulatedIOMMU?
    /// What is to be seen, in this order.
    public let steps: [ExampleStep]
    /// What stands around the machine, for the emulator's command line.
    let devices: @Sendable (ExampleOutside, Workspace) throws -> [String]
    /// Makes what is of one run alone: keys, and images that have them.
    var making: @Sendable (ExampleOutside, Workspace, (String) -> Void) throws -> Void = { _, _, _ in }
    /// What its second machine is called, whose partitions `steps` call PARTITION@NAME; nil: it has one.
    public var second: String? = nil

    public static let all: [Example] = [.sharedNIC, .sharedDisk, .wireGuard, .sealedWire, .memoryChannel, .control]

    /// The example of this name; nil when there is none.
    public static func named(_ name: String) -> Example? { all.first { $0.name == name } }

    /// Its manifest, for people to read too.
    public func manifest(_ workspace: Workspace) -> String {
        workspace.root.appending(path: "Examples/\(name).yaml").path
    }

    /// Builds its guests, where something of theirs has changed.
    /// - Parameter progress: told when that will take a while.
    /// - Throws: `MachineError.program` with what the recipe printed, `MachineError.missing` where there is no recipe.
    public func buildGuests(_ workspace: Workspace, progress: (String) -> Void = { _ in }) throws {
        let program = workspace.root.appending(path: "Guests/\(recipe[0])").path, options = Array(recipe.dropFirst())
        try MachineError.require([URL(filePath: program)], hint: "examples are built from a checkout")
        if (try? Tool.run(program, ["--check"] + options)) != nil { return }
        progress("building the example's guests out of Debian packages: some minutes, the first time")
        try Tool.run(program, options)
    }

    /// Makes what is of one run alone, in `outside`'s folder, where images are to be looked for too.
    /// - Parameter progress: told what is going on, a line a step.
    /// - Throws: `MachineError`.
    public func make(
        _ outside: ExampleOutside, _ workspace: Workspace, progress: (String) -> Void = { _ in }
    ) throws {
        try making(outside, workspace, progress)
    }

    /// The emulator's options for what stands around the machine. Files that it writes are made in `outside`'s folder.
    public func extra(_ outside: ExampleOutside, _ workspace: Workspace) throws -> [String] {
        try devices(outside, workspace)
    }
}
