import Control
import ControlClient
import ManifestFile

extension RefusedAccess {
    /// Bus, device and function, e.g. "01:02.0".
    var functionText: String { function.text }
}
