import Logging
import Synchronization

/// What the daemon has said to people.
final class LogLines: Sendable {
    private struct Handler: LogHandler {
        let lines: LogLines
        var logLevel = Logger.Level.info
        var metadata: Logger.Metadata = [:]
        subscript(metadataKey key: String) -> Logger.Metadata.Value? {
            get { metadata[key] }
            set { metadata[key] = newValue }
        }
        func log(event: LogEvent) { lines.texts.withLock { $0.append("\(event.message)") } }
    }

    private let texts = Mutex<[String]>([])
    var all: [String] { texts.withLock { $0 } }
    var handler: any LogHandler { Handler(lines: self) }
}
