import ArgumentParser
import Daemon
import Foundation
import Keys
import Logging
import ManifestFile

extension BulkheaddCommand {
    /// What the command line says, and where it says nothing the file.
    func settings() throws -> ConfigurationFile {
        var settings = try judged { try config.map { try ConfigurationFile(contentsOf: $0) } } ?? ConfigurationFile()
        settings.machineSocket = machineSocket ?? settings.machineSocket
        settings.socketDir = socketDir ?? settings.socketDir
        settings.stateDir = stateDir ?? settings.stateDir
        settings.shutdownLine = shutdownLine ?? settings.shutdownLine
        settings.policy = policy ?? settings.policy
        settings.tls = tls ?? settings.tls
        settings.pki = pki ?? settings.pki
        settings.metrics = metrics ?? settings.metrics
        if allowsTLS13 { settings.allowsTLS13 = true }
        if verbose { settings.isVerbose = true }
        guard let fault = Self.fault(in: settings) else { return settings }
        guard let config else { throw ValidationError(fault) }
        return try judged { throw ManifestRefused(problems: [ManifestProblem(file: config, reason: fault)]) }
    }

    /// What does not go together.
    private static func fault(in settings: ConfigurationFile) -> String? {
        if (settings.tls == nil) != (settings.pki == nil) { return "tls and pki go together" }
        if settings.tls == nil, settings.allowsTLS13 == true { return "tls-1.3 goes with tls" }
        if settings.tls != nil, settings.policy == nil {
            return "tls needs a policy: a certificate says who a client is, not what it may do"
        }
        return nil
    }

    /// What is served, by files as they are now.
    func served(
        _ settings: ConfigurationFile, machine: String, _ log: Logger
    ) throws -> DaemonConfiguration {
        let path = URL(filePath: machine).standardizedFileURL
        let folder =
            settings.socketDir
            ?? (path.path.hasPrefix("/dev/") ? "/run/libvirt" : path.deletingLastPathComponent().path)
        var configuration = DaemonConfiguration(
            machine: path.path, folder: folder, state: settings.stateDir, shutdownLine: settings.shutdownLine)
        configuration.metrics = settings.metrics
        configuration.policy = try settings.policy.map { try readPolicy($0, log) }
        if let tls = settings.tls, let pki = settings.pki {
            configuration.tls = TLSOptions(address: tls, folder: pki, allows13: settings.allowsTLS13 == true)
        }
        return configuration
    }

    /// What is wrong with a file is said line by line, by itself.
    func judged<T>(_ body: () throws -> T) throws -> T {
        var reasons: [String] = []
        do { return try body() } catch let error as ManifestRefused {
            reasons = error.problems.map(\.description)
        } catch let error as KeyError {
            reasons = [error.reason]
        }
        for reason in reasons { FileHandle.standardError.write(Data("bulkheadd: \(reason)\n".utf8)) }
        throw ExitCode(2)
    }
}
