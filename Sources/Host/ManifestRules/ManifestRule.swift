/// The rules that the tool applies beside those of root mode (`ManifestError.Reason`), because people want to be told
/// early and because names should work everywhere. The raw values are stable, and none is one of root mode's.
public enum ManifestRule: UInt8, CaseIterable, Sendable {
    // The contents as a whole.
    case machineCoresOutOfRange = 21
    case machineMemoryTooLarge = 22
    case memoryBeyondMachine = 23
    case housekeepingOutOfRange = 24
    // One partition, or two that clash.
    case nameEmpty = 40
    case nameStart = 41
    case nameCharacter = 42
    case duplicateName = 43
    case coreOutOfRange = 45
    case pathForm = 53
    case pathCharacter = 54
    case pathReserved = 55
    case pathCaseClash = 56
    case commandLineCharacter = 57
    case unknownOperation = 58
    case virtualFunctionsOutOfRange = 63
    case unknownAcceptance = 64
    case watchdogTooLong = 68
    case watchdogUnserved = 69
    case housekeepingShareIgnored = 70
    case channelNames = 72
    case controlTwice = 73
    case tooManyVirtioFunctions = 74
    case sealedWithoutSecret = 75
    case sealedTooSmall = 77
}
