import ControlClient
import Foundation

/// How long the management link of an emulated machine may take to answer.
extension Machine {
    /// For the broker that shares the link. It gives a request up before a tool that waits as `ControlClient` below does.
    var timeouts: LinkBroker.Timeouts {
        var timeouts = LinkBroker.Timeouts()
        timeouts.clock = clock
        timeouts.giveUpAfter = timeouts.giveUpAfter * emulator.kind.slowness
        if emulator.kind.slowness > 1 { timeouts.resendAfter = .seconds(5) }
        return timeouts
    }
}

extension ControlClient {
    /// Connects to this machine's management link.
    /// - Parameter path: of another socket that leads to it.
    public convenience init(_ machine: Machine, path: String? = nil) throws(LinkError) {
        self.init(try ByteStream.open(path ?? machine.link.path), to: machine)
    }

    public convenience init(_ line: ByteStream, to machine: Machine) {
        self.init(line)
        clock = machine.clock
        timeout = timeout * machine.emulator.kind.slowness
        if machine.emulator.kind.slowness > 1 { resendAfter = .seconds(5) }
        whenSilent = { [unowned machine] in FileHandle.standardError.write(Data(SilenceReport(machine).text.utf8)) }
    }
}
