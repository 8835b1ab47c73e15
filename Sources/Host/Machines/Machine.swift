import Foundation
import Synchronization

/// An emulated machine that boots a volume.
///
/// COM1 carries the hypervisor's own lines and is kept in `console`; COM2, the management link, is the UNIX socket
/// `link`. Dropping the value does not stop the machine; `stop()` does, and so does the end of this process.
public final class Machine: Sendable {
    public let emulator: Emulator
    public let console: ConsoleLog
    /// What waits for this machine are measured by.
    public let clock: ProgressClock
    /// The management link (COM2): a UNIX stream socket that takes one client at a time.
    public let link: URL
    /// QEMU's machine protocol, for tests that act as the hardware. Only an AMD machine has it.
    public let qmp: URL
    private let folder: URL
    private let launch: EmulatorLaunch
    private let child: Child
    private let started = ContinuousClock.now

    /// Starts the machine.
    /// - Parameters:
    ///   - log: a file that gets everything COM1 prints, if given.
    ///   - onLine: called with each line of COM1, on a thread of its own.
    public convenience init(
        _ emulator: Emulator, volume: URL, log: URL? = nil, onLine: @escaping @Sendable (String) -> Void = { _ in }
    ) throws {
        try self.init(emulator, log: log, onLine: onLine) { folder in
            try emulator.kind.program.prepare(emulator, volume: volume, folder: folder)
        }
    }

    /// Starts a machine that runs this kernel and no hypervisor: what a guest is compared with. It has no `link`, but where a
    /// loader enters the kernel: then that is COM1.
    /// - Parameter log: a file that gets everything COM1 prints, if given.
    public convenience init(bare emulator: Emulator, _ direct: Emulator.DirectKernel, log: URL? = nil) throws {
        try MachineError.require([direct.kernel, direct.initrd].compactMap { $0 }, hint: "Guests/build makes it")
        try self.init(emulator, log: log, onLine: { _ in }) { folder in
            try emulator.kind.program.prepare(emulator, direct, folder: folder)
        }
    }

    /// - Parameter prepare: puts what the machine needs into its folder; gives what the emulator is started with.
    private init(
        _ emulator: Emulator, log: URL?, onLine: @escaping @Sendable (String) -> Void,
        prepare: (URL) throws -> EmulatorLaunch
    ) throws {
        self.emulator = emulator
        folder = FileManager.default.temporaryDirectory.appending(path: "bulkhead-\(UUID().uuidString.prefix(8))")
        try FileManager.default.createDirectory(
            at: folder, withIntermediateDirectories: false, attributes: [.posixPermissions: 0o700])
        do { launch = try prepare(folder) } catch {
            try? FileManager.default.removeItem(at: folder)
            throw error
        }
        link = folder.appending(path: "link")
        qmp = folder.appending(path: "qmp")
        var file: FileHandle?
        if let log {
            try? FileManager.default.createDirectory(
                at: log.deletingLastPathComponent(), withIntermediateDirectories: true)
            _ = FileManager.default.createFile(atPath: log.path, contents: nil)
            file = try FileHandle(forWritingTo: log)
        }
        let console = ConsoleLog(onLine: onLine)
        self.console = console
        let take: @Sendable ([UInt8]) -> Void = { [file] bytes in
            if bytes.isEmpty { return console.close() }
            try? file?.write(contentsOf: Data(bytes))
            console.append(bytes)
        }
        let output: @Sendable ([UInt8]) -> Void
        if let com1 = launch.com1 {
            com1.forward(to: take)
            output = { if $0.isEmpty { com1.programEnded() } }
        } else {
            output = take
        }
        do {
            child = try Child(
                emulator.program, launch.arguments, errors: folder.appending(path: "errors"),
                outputRate: emulator.com1Rate,
                output: output)
        } catch {
            launch.com1?.programEnded()
            launch.com2?.stop()
            try? FileManager.default.removeItem(at: folder)
            throw error
        }
        clock = ProgressClock(process: child.process)
        Self.running.withLock { [folder, child] in $0[folder] = child }
    }

    /// Stops every machine that this process has started, and removes their files: for a process that is about to end.
    public static func stopAll() {
        for (folder, child) in running.withLock({ $0 }) {
            child.stop()
            try? FileManager.default.removeItem(at: folder)
        }
    }
    private static let running = Mutex<[URL: Child]>([:])

    /// Emulators of this process that have failed by themselves and were not stopped yet, with their last words.
    public static var failures: [String] {
        running.withLock { $0 }.compactMap { folder, child in
            guard let status = child.failure else { return nil }
            let errors = (try? String(contentsOf: folder.appending(path: "errors"), encoding: .utf8)) ?? ""
            return "status \(status): \(errors.suffix(2000))"
        }
    }

    /// Has `stopAll` stop this emulator too, and remove its folder.
    package static func adopt(_ child: Child, _ folder: URL) { running.withLock { $0[folder] = child } }
    /// Stops it and removes its folder now.
    package static func abandon(_ child: Child, _ folder: URL) {
        child.stop()
        try? FileManager.default.removeItem(at: folder)
        _ = running.withLock { $0.removeValue(forKey: folder) }
    }

    /// The emulator's number; 0 when it has ended.
    var process: pid_t { child.process }
    public var isRunning: Bool { child.status == nil }
    /// Seconds since the machine was switched on.
    public var uptime: Double {
        let (seconds, attoseconds) = (ContinuousClock.now - started).components
        return Double(seconds) + Double(attoseconds) / 1e18
    }

    /// Stops the machine and removes its files. May be called more than once.
    public func stop() {
        child.stop()
        launch.com2?.stop()
        try? FileManager.default.removeItem(at: folder)
        _ = Self.running.withLock { [folder] in $0.removeValue(forKey: folder) }
    }

    /// Ends the emulator at once, as a loss of power does: it tells nobody, also not its TPM. `stop` is still to be called.
    public func cutPower() {
        child.cut()
    }

    /// Waits until the hypervisor has printed its first line.
    /// - Parameter seconds: as of `deadline`.
    /// - Throws: `neverStarted` or `ended`.
    public func waitForHypervisor(seconds: Double = 60) throws {
        guard wait(seconds: seconds, for: { $0.hasPrefix(Self.prefix) ? true : nil }) == nil else { return }
        if let error = endError { throw error }
        throw MachineError.neverStarted(seconds: seconds, log: console.tail())
    }

    /// Waits for the first line, from index `start` on, for which `match` returns a value; nil when the time is over or
    /// the machine has ended.
    /// - Parameter seconds: as of `deadline`.
    public func wait<T>(
        from start: Int = 0, seconds: Double, for match: (String) -> T?
    ) -> (index: Int, value: T)? {
        console.wait(from: start, until: deadline(seconds: seconds), for: match)
    }

    /// Waits for a line of the hypervisor, from line index `start` on, that contains `text`.
    /// - Parameter seconds: as of `deadline`.
    /// - Throws: `refused` when it refuses the manifest meanwhile, `ended`, `timeout`.
    @discardableResult
    public func wait(for text: String, from start: Int = 0, seconds: Double) throws -> (index: Int, line: String) {
        let found = wait(from: start, seconds: seconds) { line in
            line.contains(text) || Self.isRefusal(line) ? line : nil
        }
        if let found, found.value.contains(text) { return (found.index, found.value) }
        if let found { throw MachineError.refused(line: found.value) }
        if let error = endError { throw error }
        throw MachineError.timeout(awaited: "line with '\(text)'", seconds: seconds, log: console.tail())
    }

    /// What the hypervisor's own lines on COM1 start with.
    public static let prefix = "bulkhead: "
    static func isRefusal(_ line: String) -> Bool { line.hasPrefix(prefix + "refused") }

    /// Runs `body`; when it fails because the hypervisor refused the manifest or the machine has ended, throws that.
    public func explaining<T>(_ body: () throws -> T) throws -> T {
        do { return try body() } catch {
            if let line = console.lines.first(where: Self.isRefusal) { throw MachineError.refused(line: line) }
            if let ended = endError { throw ended }
            throw error
        }
    }

    /// - Throws: `ended`, with the emulator's own words, when the machine has ended.
    public func requireRunning() throws {
        guard !isRunning else { return }
        if let error = endError { throw error }
    }

    /// Why the machine ended on its own, if it has.
    private var endError: MachineError? {
        // Behind the end of its output comes its own, when the host has time for it.
        guard let status = child.wait(seconds: console.isClosed ? 60 : 1) else { return nil }
        let errors = (try? String(contentsOf: folder.appending(path: "errors"), encoding: .utf8)) ?? ""
        let words = emulator.kind.program.lastWords(errors: errors, folder: folder)
        return .ended(
            status: status,
            output: (words + "\n" + console.tail()).trimmingCharacters(in: .whitespacesAndNewlines))
    }
}
