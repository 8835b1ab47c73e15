/// How a request went. Everything but `ok` changed nothing. The raw values travel on the link and never change.
public enum ControlStatus: UInt8, Error, Sendable {
    case ok = 0
    /// Not the deterministic CBOR that the operation asks for, or a field out of its bounds.
    case malformed = 1
    /// The frame is longer than `Frame.maxPayload`.
    case oversized = 2
    case unknownOperation = 3
    case unknownPartition = 4
    /// The manifest does not permit this operation on this partition.
    case notPermitted = 5
    /// The partition's state does not allow it: resuming one that runs, say.
    case wrongState = 6
    /// The partition is still busy with an earlier request.
    case busy = 7
    /// The frame's version is not `Frame.version`.
    case unsupportedVersion = 8
    /// The hypervisor tried and could not; its console says why.
    case failed = 9
    /// Said by a broker, never by a hypervisor: the machine is gone.
    case linkDown = 10
    /// Said by a broker, never by a hypervisor: the machine did not answer in time.
    case noAnswer = 11
}
