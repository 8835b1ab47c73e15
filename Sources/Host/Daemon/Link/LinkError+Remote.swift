import ControlClient
import LibvirtWire

extension LinkError {
    /// The same in libvirt's codes.
    var remote: RemoteError { RemoteError(code, description) }

    /// Whether the same may be asked again, of a link on which much is asked.
    var isBusy: Bool { code == .resourceBusy }

    private var code: RemoteError.Code {
        guard case .refused(let status, _, _) = self else {
            switch self {
            case .noAnswer: return .operationTimeout
            case .busy: return .resourceBusy
            default: return .systemError
            }
        }
        return switch status {
        case .notPermitted: .accessDenied
        case .wrongState: .operationInvalid
        case .busy: .resourceBusy
        case .unknownPartition: .noDomain
        case .noAnswer: .operationTimeout
        case .linkDown: .systemError
        case .failed: .operationFailed
        case .ok, .malformed, .oversized, .unknownOperation, .unsupportedVersion: .internalError
        }
    }
}
