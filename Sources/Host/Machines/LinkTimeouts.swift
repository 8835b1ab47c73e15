import ControlClient

/// How long the management link of an emulated machine may take to answer.
extension MachineKind {
    /// For the broker that shares the link. It gives a request up before a tool that waits as `ControlClient` below does.
    var timeouts: LinkBroker.Timeouts {
        var timeouts = LinkBroker.Timeouts()
        timeouts.giveUpAfter = timeouts.giveUpAfter * slowness
        if slowness > 1 { timeouts.resendAfter = .seconds(5) }
        return timeouts
    }
}

extension ControlClient {
    /// Connects to the UNIX socket at `path`, behind which is a machine of this kind.
    public convenience init(path: String, on kind: MachineKind) throws(LinkError) {
        self.init(try ByteStream.open(path), on: kind)
    }

    package convenience init(_ line: ByteStream, on kind: MachineKind) {
        self.init(line)
        timeout = timeout * kind.slowness
        if kind.slowness > 1 { resendAfter = .seconds(5) }
    }
}
