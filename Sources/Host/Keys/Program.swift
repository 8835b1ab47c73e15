import Foundation
import Synchronization

/// Runs a program of the system. A passphrase goes by its environment, which only the same user can read, never by its command line.
enum Program {
    static func run(
        _ name: String, _ arguments: [String], input: Data = Data(), _ passphrase: Passphrase? = nil
    ) throws(KeyError) -> Data {
        let process = Process(), output = Pipe(), errors = Pipe(), stdin = Pipe()
        process.executableURL = URL(filePath: "/usr/bin/env")
        process.arguments = [name] + arguments
        process.standardOutput = output
        process.standardError = errors
        process.standardInput = stdin
        if let passphrase {
            process.environment = ProcessInfo.processInfo.environment.merging(["BULKHEAD_PASSPHRASE": passphrase.text])
            { $1 }
        }
        let words = Mutex(Data()), group = DispatchGroup()
        do { try process.run() } catch {
            throw .system("\(name) cannot be run: install openssl and osslsigncode")
        }
        // All three at once: it could wait for any of them.
        let (said, given) = (errors.fileHandleForReading, stdin.fileHandleForWriting)
        DispatchQueue.global().async(group: group) {
            let data = said.readDataToEndOfFile()
            words.withLock { $0 = data }
        }
        DispatchQueue.global().async(group: group) {
            withoutSIGPIPE { try? given.write(contentsOf: input) }
            try? given.close()
        }
        let content = output.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        group.wait()
        // What `env` says of a program that is not there.
        guard process.terminationStatus != 127 else {
            throw .system(
                "there is no \(name): install the packages openssl and osslsigncode, or leave Secure Boot out")
        }
        guard process.terminationStatus == 0 else {
            let command = ([name] + arguments.prefix(1)).joined(separator: " "), said = words.withLock { $0 }
            let why = reason(String(decoding: said, as: UTF8.self)) ?? "status \(process.terminationStatus)"
            throw .system("\(command): \(why)")
        }
        return content
    }

    /// Whether a program takes all that it is given is its own affair, which its status tells: this one does not end by that. The signal
    /// is the writing thread's (pipe(7)).
    private static func withoutSIGPIPE(_ body: () -> Void) {
        var signal = sigset_t(), before = sigset_t()
        var now = timespec()
        unsafe sigemptyset(&signal)
        unsafe sigaddset(&signal, SIGPIPE)
        unsafe pthread_sigmask(SIG_BLOCK, &signal, &before)
        body()
        unsafe sigtimedwait(&signal, nil, &now)
        unsafe pthread_sigmask(SIG_SETMASK, &before, nil)
    }

    /// What went wrong, of all that such a program says on the way: its own first sentence, else the reason in the first line of
    /// OpenSSL's list of errors. No dots of progress, no question for a passphrase, no "Failed" at the end.
    static func reason(_ errors: String) -> String? {
        let lines = errors.split(whereSeparator: \.isNewline).map { $0.trimmingCharacters(in: .whitespaces) }
        let list = lines.filter { $0.contains(/^[0-9A-F]+:error:/) }
        let sentence = lines.first { line in
            !list.contains(line) && line.contains(where: \.isLetter) && !line.hasPrefix("Enter ") && line != "Failed"
        }
        // 40B7…:error:1C8000AB:Provider routines:rsa_gen_set_params:key size too small:../providers/…:509:
        let parts = list.first?.split(separator: ":", omittingEmptySubsequences: false) ?? []
        return sentence ?? (parts.count > 5 ? String(parts[5]) : nil)
    }
}
