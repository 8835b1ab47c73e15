import ControlClient
import LibvirtWire

extension LinkError {
    /// The same in libvirt's codes.
    var remote: RemoteError { RemoteError(code, description) }

    private var code: RemoteError.Code {
        guard case .refused(let status, _, _) = self else {
            if case .noAnswer = self { return .operationTimeout }
            return .systemError
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
