import Control
import Foundation
import Machines
import ManifestFile
import TestKit

/// Boots the measured guest again and again, in its partition and bare, and keeps what was seen. One emulated machine
/// runs at a time.
struct BenchSession {
    /// What one boot in the partition showed.
    struct PartitionBoot {
        /// Exits from the guest's first instruction until its user space was heard, less `readyLineBytes` port exits.
        var exits: [(reason: ExitReason, count: UInt64)]
        /// Bytes of the line by which user space was heard: each was a port exit that user space caused.
        var readyLineBytes: UInt64
        /// Bytes that the kernel had printed by then: each was at least one port exit.
        var kernelBytes: UInt64
        /// By the guest kernel's clock.
        var kernelMilliseconds: Double
        /// From the hypervisor's entry to the first guest instruction, the reading of images left out.
        var startMilliseconds: Double
        var total: UInt64 { exits.reduce(0) { $0 + $1.count } }
    }

    static let activities = ["idle", "busy", "cyclictest"]

    let workspace: Workspace
    let contract: Contract
    /// Of a silent window; the first and the last second are not counted.
    let windowSeconds: Int
    /// Where the images of the bench's manifest are looked for.
    private let images: ImageSource
    private let progress: @Sendable (String) -> Void
    private(set) var boots: [PartitionBoot] = []
    /// Milliseconds by the kernel's clock, one for each boot without a hypervisor.
    private(set) var bareMilliseconds: [Double] = []
    private(set) var windows: [SteadyWindow] = []
    private(set) var latency: GuestLine.Latency?
    private(set) var kernel = ""
    private(set) var machine: MachineInfo?
    private(set) var partitions: [PartitionInfo] = []
    private(set) var meter: ExitMeter?
    private(set) var wires: WireMeter?
    private(set) var port: PortRate?
    let emulator: Emulator

    /// - Throws: `ContractError` and others when the contract cannot be read.
    init(
        _ workspace: Workspace, kind: MachineKind = .amd, images: ImageSource = .checkout, windowSeconds: Int = 13,
        progress: @escaping @Sendable (String) -> Void
    ) throws {
        self.workspace = workspace
        self.windowSeconds = windowSeconds
        self.images = images
        contract = try workspace.contract()
        self.progress = progress
        emulator = Emulator(kind)
    }

    /// One boot in the partition and one bare, where the emulator can start a kernel by itself. The first also measures the
    /// silent windows.
    /// - Throws: `ManifestRefused`, `MachineError`, `LinkError`, `BenchError`.
    mutating func boot(_ number: Int, of count: Int) throws {
        let direct = try bootPartition("boot \(number) of \(count)")
        guard emulator.kind == .amd else { return }
        let bare = try bootBare(direct.kernel, memory: direct.memory)
        bareMilliseconds.append(bare)
        progress(String(format: "boot \(number) of \(count), bare: user space after %.0f ms", bare))
    }

    /// Boots the meter guest: what each kind of exit costs.
    /// - Throws: as `ExitMeter`.
    mutating func measureCosts() throws {
        let meter = try ExitMeter(workspace, progress: progress)
        progress("instructions: \(meter.agreed) exits, counted alike by the plugin and by the hypervisor")
        self.meter = meter
    }

    /// Boots the guests at the ends of a wire: what frames and characters cost.
    /// - Throws: as `WireMeter`.
    mutating func measureWires() throws {
        let wires = try WireMeter(workspace, progress: progress)
        progress("wires: \(wires.agreed) exits, counted alike by the plugin and by the hypervisor")
        self.wires = wires
    }

    /// Boots two guests at the ends of a port: how fast it is.
    /// - Throws: as `PortRate`.
    mutating func measurePort() throws {
        let port = try PortRate(workspace, progress: progress)
        progress("port: 64 MiB in \(port.there) ms, and back in \(port.back) ms")
        self.port = port
    }

    /// Gives what the bare machine must be the same as.
    @discardableResult
    mutating func bootPartition(_ title: String) throws -> (kernel: Emulator.DirectKernel, memory: UInt64) {
        let testbed = try Testbed(
            manifest: workspace.benchManifest, workspace, kind: emulator.kind,
            name: emulator.kind == .amd ? "bench" : "bench-\(emulator.kind.rawValue)",
            images: images)
        defer { testbed.stop() }
        guard let guest = testbed.watch.partitions.first else { throw BenchError("the manifest has no partition") }
        guard
            try testbed.refresh(
                seconds: 120 * emulator.kind.slowness, until: { _ in guest.kernel != nil || guest.hasEnded })
        else {
            throw BenchError("the guest's user space was not heard within 120 s")
        }
        guard let statistics = guest.statisticsAtReady, let milliseconds = guest.kernelMilliseconds else {
            throw BenchError("the guest is \(guest.info.state.name) before its user space was heard")
        }
        let machine = testbed.watch.machine
        let printed = UInt64(guest.console?.raw.count ?? 0)
        // With the line's CR LF.
        let line = min(printed, UInt64(guest.console?.lines.last(where: Self.isReady)?.utf8.count ?? 0) + 2)
        let exits = ExitReason.all.map { reason in
            let count = statistics.exits(reason)
            return (reason, reason == .port ? count - min(line, count) : count)
        }
        boots.append(
            PartitionBoot(
                exits: exits.filter { $0.1 > 0 }, readyLineBytes: line, kernelBytes: printed - line,
                kernelMilliseconds: Double(milliseconds),
                startMilliseconds: Double(machine.startMicroseconds) / 1000))
        progress("\(title), in the partition: user space after \(milliseconds) ms, \(boots.last?.total ?? 0) exits")
        (self.machine, partitions, kernel) = (machine, testbed.watch.partitions.map(\.info), guest.kernel ?? "")
        if windows.isEmpty { for activity in Self.activities { try measure(activity, guest, testbed) } }
        return (try testbed.directKernel(partition: 0), guest.info.memory)
    }

    private static func isReady(_ line: String) -> Bool {
        if case .ready = GuestLine(line) { true } else { false }
    }

    private mutating func measure(_ activity: String, _ guest: PartitionWatch, _ testbed: Testbed) throws {
        guard guest.measure(seconds: windowSeconds, activity: activity) else {
            throw BenchError("the guest cannot be asked for a silent window")
        }
        let limit = Double(windowSeconds) * 3 * emulator.kind.slowness
        guard try testbed.refresh(seconds: limit, until: { _ in !guest.isMeasuring }), let window = guest.steady,
            window.activity == activity
        else {
            throw BenchError("the guest's silent window (\(activity)) was not measured; it said: \(guest.errors)")
        }
        if activity == "cyclictest" {
            guard let seen = guest.latency, seen.samples > 1000 else { throw BenchError("cyclictest has not run") }
            latency = seen
        }
        windows.append(window)
        progress(String(format: "%@: %.1f s, %d exits", activity, window.seconds, window.exits))
    }

    private func bootBare(_ direct: Emulator.DirectKernel, memory: UInt64) throws -> Double {
        var emulator = emulator
        (emulator.cores, emulator.memory) = (1, memory)
        let machine = try Machine(
            bare: emulator, direct, log: workspace.cache.appending(path: "boot/bench-bare.log"))
        defer { machine.stop() }
        let ready = machine.wait(seconds: 120) { line -> Int? in
            // The firmware's last words may stand before it, without a line end.
            guard let start = line.range(of: "@bulkhead ") else { return nil }
            guard case .ready(_, _, _, let time) = GuestLine(line[start.lowerBound...]) else { return nil }
            return time
        }
        guard let ready else {
            try machine.requireRunning()
            throw BenchError("the bare guest's user space was not heard within 120 s:\n\(machine.console.tail())")
        }
        return Double(ready.value)
    }
}

/// Why a bench could not be carried out, as one plain sentence.
struct BenchError: Error, CustomStringConvertible {
    var description: String
    init(_ description: String) { self.description = description }
}

extension PartitionWatch {
    /// Whether its guest was started and runs no longer, or could not be loaded.
    fileprivate var hasEnded: Bool { info.state == .crashed || info.state == .stopped && info.starts > 0 }
}
