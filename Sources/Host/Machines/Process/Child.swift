import Foundation
import Synchronization

#if canImport(Glibc)
    import Glibc
#endif

/// A long-running program of the host that never outlives the one who started it, however that one ends.
///
/// It is started through `setpriv --pdeathsig KILL` (util-linux) by a thread that lives exactly as long as the child:
/// the kernel sends the signal when the starting *thread* ends. It gets a process group of its own, so that Ctrl-C on
/// the terminal reaches the tool first.
package final class Child: Sendable {
    private struct State {
        var pid: pid_t = 0
        var status: Int32?
        /// Whether its end was wanted here.
        var isEnding = false
    }
    private let state = Mutex(State())
    private let ended = DispatchSemaphore(value: 0)

    /// Its number; 0 when it has ended.
    package var process: pid_t { state.withLock { $0.pid } }

    /// The exit status, or 128 + the signal that ended it; nil while it runs.
    package var status: Int32? { state.withLock { $0.status } }

    /// The same where nobody here has ended it, and it says that it has failed.
    package var failure: Int32? {
        state.withLock { state in state.isEnding ? nil : state.status.flatMap { $0 == 0 ? nil : $0 } }
    }

    /// - Parameters:
    ///   - output: gets the bytes of standard output, on a thread of its own, and an empty array at the end.
    ///   - errors: the file that standard error goes to.
    ///   - outputRate: how many bytes a second of standard output are taken at most; what it writes beyond that waits.
    package init(
        _ program: String, _ arguments: [String], errors: URL, outputRate: Int? = nil,
        output: @escaping @Sendable ([UInt8]) -> Void
    ) throws {
        var ends: [Int32] = [0, 0]
        guard unsafe pipe(&ends) == 0 else { throw MachineError.program("pipe", status: errno, output: "") }
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        // As little as a pipe can hold: F_SETPIPE_SZ, which is a macro.
        if outputRate != nil { _ = fcntl(ends[0], 1031, 4096) }
        let (readEnd, writeEnd) = (ends[0], ends[1])
        let command = ["setpriv", "--pdeathsig", "KILL", program] + arguments
        let started = DispatchSemaphore(value: 0)
        let failure = Failure()
        let guardian = Thread { [self] in
            let (pid, error) = Self.spawn(command, output: writeEnd, errors: errors.path)
            close(writeEnd)
            failure.code.withLock { $0 = error }
            state.withLock { $0.pid = pid }
            started.signal()
            guard error == 0 else { return }
            var raw: Int32 = 0
            while unsafe waitpid(pid, &raw, 0) == -1 && errno == EINTR {}
            let signal = raw & 0x7F
            state.withLock {
                $0.status = signal == 0 ? raw >> 8 & 0xFF : 128 + signal
                $0.pid = 0
            }
            ended.signal()
        }
        guardian.start()
        started.wait()
        let error = failure.code.withLock { $0 }
        guard error == 0 else {
            close(readEnd)
            throw MachineError.program(program, status: error, output: "cannot be started")
        }
        Thread {
            var buffer = [UInt8](repeating: 0, count: outputRate.map { max($0 / 100, 1) } ?? 65536)
            while true {
                let count = unsafe read(readEnd, &buffer, buffer.count)
                if count < 0 && errno == EINTR { continue }
                guard count > 0 else { break }
                output(Array(buffer[..<count]))
                if outputRate != nil { Thread.sleep(forTimeInterval: 0.01) }
            }
            close(readEnd)
            output([])
        }.start()
    }

    /// Ends it: politely, and after two seconds at once. Returns when it has ended.
    package func stop() {
        for signal in [SIGTERM, SIGKILL] {
            if !send(signal) { return }
            if wait(seconds: 2) != nil { return }
        }
    }

    /// Ends it at once; returns when it has ended.
    package func cut() {
        _ = send(SIGKILL)
        _ = wait(seconds: 10)
    }

    /// - Returns: whether it was there.
    private func send(_ signal: Int32) -> Bool {
        state.withLock { state in
            guard state.pid > 0 else { return false }
            state.isEnding = true
            kill(state.pid, signal)
            return true
        }
    }

    /// Waits for its end, at most so long. The status as in `status`.
    package func wait(seconds: Double) -> Int32? {
        if ended.wait(timeout: .now() + seconds) == .success { ended.signal() }
        return status
    }

    private final class Failure: Sendable { let code = Mutex<Int32>(0) }

    private static func spawn(_ command: [String], output: Int32, errors: String) -> (pid_t, Int32) {
        var actions = unsafe posix_spawn_file_actions_t()
        var attributes = posix_spawnattr_t()
        unsafe posix_spawn_file_actions_init(&actions)
        unsafe posix_spawnattr_init(&attributes)
        defer {
            unsafe posix_spawn_file_actions_destroy(&actions)
            unsafe posix_spawnattr_destroy(&attributes)
        }
        unsafe posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        unsafe posix_spawn_file_actions_adddup2(&actions, output, 1)
        unsafe posix_spawn_file_actions_addopen(&actions, 2, errors, O_WRONLY | O_CREAT | O_TRUNC, 0o600)
        unsafe posix_spawnattr_setpgroup(&attributes, 0)
        // The child must hear SIGTERM, whatever the thread that starts it blocks or ignores.
        var none = sigset_t()
        var polite = sigset_t()
        unsafe sigemptyset(&none)
        unsafe sigemptyset(&polite)
        unsafe sigaddset(&polite, SIGTERM)
        unsafe posix_spawnattr_setsigmask(&attributes, &none)
        unsafe posix_spawnattr_setsigdefault(&attributes, &polite)
        unsafe posix_spawnattr_setflags(
            &attributes, Int16(POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF))
        var arguments = unsafe command.map { unsafe strdup($0) } + [nil]
        defer { unsafe arguments.forEach { unsafe free($0) } }
        var pid: pid_t = 0
        let error = unsafe posix_spawnp(&pid, "setpriv", &actions, &attributes, &arguments, environ)
        return (pid, error)
    }
}
