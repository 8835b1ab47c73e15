import Manifest

/// What a channel is, by the word in a YAML file.
enum ChannelKind: String, CaseIterable {
    case wire, memory, port

    /// What the file says that goes with other kinds alone.
    var refusedKeys: [String] {
        switch self {
        case .wire: []
        // Nothing is sent, and nobody is told.
        case .memory: ["mtu", "mac", "kick", "rate", "seal"]
        // A stream of bytes, of which none is dropped.
        case .port: ["mtu", "mac", "rate", "seal"]
        }
    }

    var words: String {
        switch self {
        case .wire: "a wire"
        case .memory: "shared memory"
        case .port: "a port"
        }
    }
}

extension ChannelSpec {
    var kind: ChannelKind {
        get { isMemory ? .memory : isPort ? .port : .wire }
        set {
            switch newValue {
            case .wire: mtu = max(mtu, Self.minMTU)
            case .memory: mtu = 0
            case .port: mtu = 1
            }
        }
    }
}
