import Foundation
import ManifestFile
import Yams

/// What a daemon's configuration file says: the options of its command line, by the same names.
public struct ConfigurationFile: Sendable {
    public var machineSocket: String?
    public var socketDir: String?
    public var stateDir: String?
    public var shutdownLine: String?
    public var policy: String?
    public var tls: ListenAddress?
    public var pki: String?
    public var allowsTLS13: Bool?
    public var metrics: ListenAddress?
    public var isVerbose: Bool?

    /// Of nothing: each value is the option's default.
    public init() {}

    /// Its keys, which are the options'.
    static let keys = [
        "machine-socket", "socket-dir", "state-dir", "shutdown-line", "policy", "tls", "pki", "tls-1.3", "metrics",
        "verbose",
    ]

    /// - Throws: `ManifestRefused` with all that is wrong; also where others than its owner may write into the file.
    public init(contentsOf path: String) throws(ManifestRefused) { try self.init(trustedText(of: path), file: path) }

    /// - Parameter file: where it lies: paths in it that are not absolute begin in its folder.
    init(_ text: String, file: String) throws(ManifestRefused) {
        let root = try composeYAML(text, file: file)
        var nodes = NodeReader(file: file)
        let folder = URL(filePath: file).deletingLastPathComponent()
        func path(_ text: String?) -> String? {
            text.map { URL(filePath: $0, relativeTo: folder).standardizedFileURL.path }
        }
        for (key, _, node) in nodes.entries(root, "the configuration", known: Self.keys) {
            let name = "\"\(key)\""
            switch key {
            case "machine-socket": machineSocket = path(nodes.word(node, name))
            case "socket-dir": socketDir = path(nodes.word(node, name))
            case "state-dir": stateDir = path(nodes.word(node, name))
            case "policy": policy = path(nodes.word(node, name))
            case "pki": pki = path(nodes.word(node, name))
            case "shutdown-line": shutdownLine = nodes.word(node, name)
            case "tls": tls = Self.address(node, name, &nodes)
            case "metrics": metrics = Self.address(node, name, &nodes)
            case "tls-1.3": allowsTLS13 = nodes.flag(node, name)
            default: isVerbose = nodes.flag(node, name)
            }
        }
        try nodes.finish()
    }

    private static func address(_ node: Node, _ what: String, _ nodes: inout NodeReader) -> ListenAddress? {
        guard let word = nodes.word(node, what) else { return nil }
        guard let address = ListenAddress(word) else {
            nodes.fail(node, "\(what) is \(quoted(word)), which is \(ListenAddress.rule)")
            return nil
        }
        return address
    }
}
