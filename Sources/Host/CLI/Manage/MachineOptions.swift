import ArgumentParser
import ControlClient

/// Which machine a command is for.
struct MachineOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "The machine's link.sock, or a serial line such as /dev/ttyS0. Default: the only machine that runs.",
            valueName: "path"))
    var machineSocket: String?

    func connect() throws -> ControlClient {
        if let machineSocket { return try ControlClient(path: machineSocket) }
        let folder = RunningMachines.folder
        let clients = RunningMachines.sockets(in: folder).compactMap { try? ControlClient(path: $0) }
        if clients.count > 1 { throw ManageError.severalMachines(clients.map(\.path)) }
        guard let client = clients.first else { throw ManageError.noMachine(searched: folder) }
        return client
    }
}
