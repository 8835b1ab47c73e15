import Manifest
import Text

/// What a manager may ask. The raw values travel on the link and never change.
public enum ControlOperation: UInt8, Sendable {
    /// What machine and hypervisor is this?
    case hello = 0
    case list = 1
    /// Exits by reason, for each vCPU of a partition.
    case statistics = 2
    case consoleRead = 3
    case consoleWrite = 4
    case start = 5
    case stop = 6
    case pause = 7
    case resume = 8
    case restart = 9
    /// Turns the stream of events on or off.
    case events = 10
    /// What the machine has: its cores, caches, memory, functions and remapping units, item by item.
    case inventory = 11

    /// What the manifest must permit on the partition. Empty: any manager that the manifest gave a link may ask.
    public var permission: ControlOperations {
        switch self {
        case .hello, .list, .events, .inventory: ControlOperations()
        case .statistics: .statistics
        case .consoleRead: .consoleRead
        case .consoleWrite: .consoleWrite
        case .start: .start
        case .stop: .stop
        case .pause: .pause
        case .resume: .resume
        case .restart: .restart
        }
    }

    /// Whether asking twice differs from asking once: such a request, when it comes again with the same number because
    /// its reply was lost on the line, is answered again but not carried out again.
    public var changesSomething: Bool {
        switch self {
        case .hello, .list, .statistics, .consoleRead, .events, .inventory: false
        case .consoleWrite, .start, .stop, .pause, .resume, .restart: true
        }
    }

    /// The word for messages to people.
    public var name: StaticString {
        switch self {
        case .hello: "hello"
        case .list: "list"
        case .statistics: "statistics"
        case .consoleRead: "console read"
        case .consoleWrite: "console write"
        case .start: "start"
        case .stop: "stop"
        case .pause: "pause"
        case .resume: "resume"
        case .restart: "restart"
        case .events: "events"
        case .inventory: "inventory"
        }
    }
}
