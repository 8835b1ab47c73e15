import Foundation
import Manifest

/// What a manifest hopes for and its guests may not do: no refusal, since a guest may do it in a way that no file shows.
/// - Returns: a sentence for each partition of which nothing seen here tells that its kernel has panicked.
public func crashNotes(_ manifest: Manifest, images: ImageSource) -> [String] {
    manifest.partitionList.compactMap { spec in
        guard spec.onCrash == .restart, spec.watchdog == 0 else { return nil }
        // A kernel that is told to reboot when it panics ends by itself.
        let words = spec.commandLine.string.split(separator: " ")
        if words.contains(where: { $0.hasPrefix("panic=") && $0 != "panic=0" }) { return nil }
        let files = [spec.image.string, spec.initrd.string].filter { !$0.isEmpty }
        if files.contains(where: { reportsPanics($0, images) }) { return nil }
        return
            "partition \"\(spec.name.string)\": on-crash is restart, but a kernel that panics just stops, unless it has the "
            + "driver pvpanic-mmio (Debian loads it by itself once its root file system is there); \"watchdog: 60s\" ends a "
            + "guest that is stuck, whatever the cause"
    }
}

/// Whether a file has the driver of the panic device in it, by the name that the driver looks for. What is compressed tells
/// nothing.
private func reportsPanics(_ path: String, _ images: ImageSource) -> Bool {
    guard let file = try? images.locate(path), let data = try? Data(contentsOf: file, options: .mappedIfSafe) else {
        return false
    }
    // A kernel's list of modules may name it too: the driver alone has the name of the device.
    return data.range(of: Data("QEMU0001".utf8)) != nil
}
