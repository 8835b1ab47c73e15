import Foundation
import Loaders
import Manifest
import Platform

/// Runs a partition's loader on its images, as the partition will: the same code, in memory of the same size.
public enum ImageLoading {
    /// Why images do not load.
    public struct Problem: Error, Equatable, Sendable {
        /// Whether it is about the initrd rather than the kernel.
        public var isInitrd: Bool
        public var reason: String
        public var hint: String?
    }

    /// Throws what the loader refuses; nothing of an image runs.
    public static func check(kernel: URL, initrd: URL?, of spec: PartitionSpec) throws(Problem) {
        let image = try content(kernel, isInitrd: false)
        let disk: Data? = if let initrd { try content(initrd, isInitrd: true) } else { nil }
        let size = Int(clamping: spec.memorySize)
        guard let base = unsafe trialMemory(size) else {
            throw Problem(isInitrd: false, reason: "there is no room here to try its loader in")
        }
        defer { _ = unsafe munmap(base, size) }
        do throws(LoadError) {
            try unsafe load(image, disk, spec, base)
        } catch {
            let isInitrd = error == .initrdDoesNotFit
            let names = "\(quoted(kernel.lastPathComponent))" + (isInitrd ? " and its initrd" : "")
            throw Problem(
                isInitrd: isInitrd, reason: "\(names) cannot be loaded: \(error.reason)",
                hint: hint(error, image, disk?.count ?? 0, spec))
        }
    }

    /// Memory for a trial. An image may ask for gigabytes of zeros, which this machine may not have: all pieces of low memory
    /// but the first, which has what the loader itself writes, are one and the same. What lies there is never read.
    private static func trialMemory(_ size: Int) -> UnsafeMutableRawPointer? {
        let piece = 8 << 20, access = PROT_READ | PROT_WRITE
        // Only pages that are touched take memory.
        let flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE
        guard size > 0, let base = unsafe mmap(nil, size, access, flags, -1, 0), unsafe base != MAP_FAILED else {
            return nil
        }
        var name = Array((FileManager.default.temporaryDirectory.path + "/bulkhead-loader-XXXXXX").utf8CString)
        let file = unsafe mkstemp(&name)
        if file >= 0 { unsafe unlink(&name) }
        defer { if file >= 0 { close(file) } }
        var isMade = file >= 0 && posix_fallocate(file, 0, off_t(piece)) == 0
        // Nothing is loaded above; below, each piece lies within the mapping that is replaced.
        for start in stride(from: piece, to: min(size, Int(GuestMemory.lowLimit)), by: piece) where isMade {
            let target = unsafe base + start, count = min(piece, size - start)
            isMade = unsafe mmap(target, count, access, MAP_SHARED | MAP_FIXED, file, 0) == target
        }
        if isMade { return unsafe base }
        _ = unsafe munmap(base, size)
        return nil
    }

    private static func content(_ file: URL, isInitrd: Bool) throws(Problem) -> Data {
        do { return try Data(contentsOf: file.resolvingSymlinksInPath(), options: .mappedIfSafe) } catch {
            throw Problem(isInitrd: isInitrd, reason: "\(file.path) cannot be read")
        }
    }

    private static func load(
        _ image: Data, _ initrd: Data?, _ spec: PartitionSpec, _ base: UnsafeMutableRawPointer
    ) throws(LoadError) {
        var platform = PlatformDescription(
            memorySize: spec.memorySize, console: spec.console, tscKHz: 1_000_000, bootTime: 0)
        platform.watchdog = spec.watchdog
        platform.hasBus = spec.hasBus
        platform.tpmMethod = spec.tpm ? 7 : 0
        for core in spec.cores.list { platform.append(apicID: UInt32(core)) }
        let line = Array(spec.commandLine.string.utf8)
        var failure: LoadError?
        unsafe image.withUnsafeBytes { kernel in
            unsafe (initrd ?? Data()).withUnsafeBytes { disk in
                // `base` has as many bytes as the platform says, and is nobody else's.
                let memory = unsafe GuestMemory(base: base, size: spec.memorySize)
                do throws(LoadError) {
                    _ = try unsafe loadGuest(
                        kernel: kernel, initrd: initrd == nil ? nil : disk, commandLine: line.span, platform: platform,
                        memory: memory)
                } catch { failure = error }
            }
        }
        if let failure { throw failure }
    }

    /// What the file is instead, or what would help.
    private static func hint(_ error: LoadError, _ image: Data, _ initrd: Int, _ spec: PartitionSpec) -> String? {
        switch error {
        case .unknownFormat: return ImageKind(image).map { $0.words }
        case .wrongMachine: return "name a kernel for x86-64"
        case .outsideMemory, .initrdDoesNotFit:
            let needed = sizeText(UInt64(image.count + initrd))
            return "the files have \(needed), the partition has \(sizeText(spec.memorySize)): give it more memory"
        default: return nil
        }
    }
}

/// What people take for a kernel.
private enum ImageKind {
    case zeros, packed(String, String), arm64, disk(String), script

    init?(_ image: Data) {
        let head = [UInt8](image.prefix(64))
        func starts(_ bytes: [UInt8]) -> Bool { head.starts(with: bytes) }
        if image.prefix(1 << 20).allSatisfy({ $0 == 0 }) {
            self = .zeros
        } else if starts([0x1F, 0x8B]) {
            self = .packed("gzip", "gunzip")
        } else if starts([0xFD, 0x37, 0x7A, 0x58, 0x5A]) {
            self = .packed("xz", "unxz")
        } else if starts([0x28, 0xB5, 0x2F, 0xFD]) {
            self = .packed("zstd", "unzstd")
        } else if starts([0x42, 0x5A, 0x68]) {
            self = .packed("bzip2", "bunzip2")
        } else if starts([0x02, 0x21, 0x4C, 0x18]) || starts([0x04, 0x22, 0x4D, 0x18]) {
            self = .packed("lz4", "unlz4")
        } else if head.count == 64, head[56..<60].elementsEqual([0x41, 0x52, 0x4D, 0x64]) {
            // Linux Documentation/arch/arm64/booting.rst: the magic number at 56.
            self = .arm64
        } else if starts([0x51, 0x46, 0x49, 0xFB]) {
            self = .disk("a disk image (qcow2)")
        } else if starts(Array("070701".utf8)) {
            self = .disk("an initrd (cpio)")
        } else if starts([0x23, 0x21]) {
            self = .script
        } else {
            return nil
        }
    }

    var words: String {
        switch self {
        case .zeros: "it has zeros alone: was it copied whole?"
        case .packed(let format, let program): "it is compressed by \(format): unpack it with \(program)"
        case .arm64: "it is a kernel for arm64: name one for x86-64"
        case .disk(let kind): "it is \(kind): name a kernel"
        case .script: "it is a script: name a kernel"
        }
    }
}
