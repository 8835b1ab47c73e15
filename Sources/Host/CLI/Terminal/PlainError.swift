import Attestation
import ControlClient
import Foundation
import Keys
import Machines
import ManifestFile
import Seal
import TPM

/// What went wrong, in words, for errors that are not of usage. Foundation's own are for programmers.
struct PlainError: CustomStringConvertible {
    let description: String

    /// nil for what ArgumentParser tells itself.
    init?(_ error: any Error) {
        switch error {
        case let error as MachineError: description = "\(error)"
        case let error as ManifestRefused: description = "\(error)"
        case let error as LinkError: description = "\(error)"
        case let error as KeyError: description = error.reason
        case let error as TPMError: description = "\(error)"
        case let error as EvidenceError: description = "\(error)"
        case let error as SealError: description = "\(error)"
        default:
            let error = error as NSError
            guard [NSCocoaErrorDomain, NSPOSIXErrorDomain].contains(error.domain) else { return nil }
            let cause = error.userInfo[NSUnderlyingErrorKey] as? NSError
            let code = error.domain == NSPOSIXErrorDomain ? error.code : cause?.code
            let words = code.map { unsafe String(cString: strerror(Int32($0))) } ?? "it cannot be read or written"
            let file = error.userInfo[NSFilePathErrorKey] as? String ?? (error.userInfo[NSURLErrorKey] as? URL)?.path
            description = (file.map { "\($0): " } ?? "") + words
        }
    }
}
