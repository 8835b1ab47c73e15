import Foundation
import Manifest
import ManifestFile
import Synchronization
import Testing

/// `manifest check` runs the partition's loader on its images: what cannot boot is not good.
@Suite struct ImageLoadingTests {
    let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    func text(memory: String = "64M", initrd: String? = nil) -> String {
        """
        name: a
        housekeeping: 0
        partitions:
          - name: b
            cores: 1
            memory: \(memory)
            image:
              kernel: kernel
        \(initrd.map { "      initrd: \($0)\n" } ?? "")
        """
    }

    func problems(_ image: [UInt8], memory: String = "64M", initrd: [UInt8]? = nil) throws -> [String] {
        try folder.write(image, "kernel")
        if let initrd { try folder.write(initrd, "disk") }
        let source = text(memory: memory, initrd: initrd == nil ? nil : "disk")
        do throws(ManifestRefused) {
            _ = try parseManifest(source, file: "m.yaml", images: .folder(folder.url.path), isLoading: true)
        } catch { return error.problems.map(\.description) }
        return []
    }

    /// A 64-bit Linux ELF: one segment at 16 MiB, and a note by "Linux".
    static func kernel(size: Int = 4096) -> [UInt8] {
        var file = [UInt8](repeating: 0, count: 4096 + size)
        func put(_ value: Int, _ count: Int, _ at: Int) {
            for i in 0..<count { file[at + i] = UInt8(truncatingIfNeeded: value >> (8 * i)) }
        }
        file.replaceSubrange(0..<7, with: [0x7F, 0x45, 0x4C, 0x46, 2, 1, 1])
        put(2, 2, 16)
        put(62, 2, 18)
        put(1, 4, 20)
        put(16 << 20, 8, 24)
        put(64, 8, 32)
        put(56, 2, 54)
        put(2, 2, 56)
        for (index, segment) in [(1, 4096, 16 << 20, size), (4, 1024, 0, 20)].enumerated() {
            let at = 64 + index * 56
            put(segment.0, 4, at)
            put(segment.1, 8, at + 8)
            put(segment.2, 8, at + 16)
            put(segment.2, 8, at + 24)
            put(segment.3, 8, at + 32)
            put(segment.3, 8, at + 40)
            put(4, 8, at + 48)
        }
        put(6, 4, 1024)
        file.replaceSubrange(1036..<1042, with: Array("Linux\0".utf8))
        return file
    }

    @Test func whatLoadsIsGood() throws {
        #expect(try problems(Self.kernel()) == [])
        #expect(try problems(Self.kernel(), initrd: [1, 2, 3]) == [])
    }

    /// Most of this process's own memory while something runs, KiB.
    private final class Watch: Sendable {
        private let state = Mutex((most: 0, isDone: false))

        init() {
            Thread { [self] in
                while !state.withLock({ $0.isDone }) {
                    let now = Self.own
                    state.withLock { $0.most = max($0.most, now) }
                    Thread.sleep(forTimeInterval: 0.005)
                }
            }.start()
        }

        /// Pages that are nobody else's.
        static var own: Int {
            let text = (try? String(contentsOfFile: "/proc/self/status", encoding: .utf8)) ?? ""
            return text.firstMatch(of: /RssAnon:\s*([0-9]+)/).flatMap { Int($0.1) } ?? .max
        }

        func end() -> Int {
            state.withLock {
                $0.isDone = true
                return $0.most
            }
        }
    }

    /// A small file that asks for a gigabyte of zeros is loaded, but not with memory of whoever checks it.
    @Test func anImageOfZeros() throws {
        var image = Self.kernel()
        let size = 1 << 30
        // The first segment's size in memory.
        for i in 0..<8 { image[64 + 40 + i] = UInt8(truncatingIfNeeded: size >> (8 * i)) }
        let before = Watch.own, watch = Watch()
        #expect(try problems(image, memory: "2G") == [])
        // Other tests run beside this one.
        #expect(watch.end() - before < 1 << 19)
        #expect(try problems(image, memory: "512M")[0].contains("give it more memory"))
    }

    @Test func zeros() throws {
        let found = try problems([UInt8](repeating: 0, count: 1 << 20))
        #expect(
            found == [
                "m.yaml:8: \"kernel\" cannot be loaded: the image is neither a Linux kernel, an ELF file nor a multiboot "
                    + "image; it has zeros alone: was it copied whole?"
            ], "\(found)")
    }

    @Test func aPackedKernel() throws {
        #expect(
            try problems([0x1F, 0x8B, 8, 0] + Self.kernel())[0].hasSuffix(
                "it is compressed by gzip: unpack it with gunzip"))
        #expect(try problems([0x28, 0xB5, 0x2F, 0xFD] + Self.kernel())[0].contains("by zstd"))
    }

    @Test func anARM64Kernel() throws {
        var image = [UInt8](repeating: 0, count: 4096)
        image.replaceSubrange(0..<2, with: [0x4D, 0x5A])
        image.replaceSubrange(56..<60, with: [0x41, 0x52, 0x4D, 0x64])
        #expect(try problems(image)[0].hasSuffix("it is a kernel for arm64: name one for x86-64"))
        var elf = Self.kernel()
        elf[18] = 183
        #expect(try problems(elf)[0].contains("not for an x86 processor"))
    }

    @Test func tooLittleMemory() throws {
        let found = try problems(Self.kernel(size: 1 << 20), memory: "16M")
        #expect(
            found.count == 1 && found[0].contains("wants to be loaded where the partition has no memory"), "\(found)")
        #expect(found[0].contains("give it more memory"))
        let initrd = try problems(Self.kernel(), memory: "24M", initrd: [UInt8](repeating: 1, count: 12 << 20))
        #expect(
            initrd.count == 1 && initrd[0].hasPrefix("m.yaml:9: ") && initrd[0].contains("initrd does not fit"),
            "\(initrd)")
    }

    /// The memory of a partition is not taken for it.
    @Test func aVeryLargePartition() throws {
        #expect(try problems(Self.kernel(), memory: "512G") == [])
    }
}
