import Manifest
import ManifestFile
import Testing

@Suite struct AnnotatedManifestTests {
    /// What `manifest init` writes has nothing wrong with it, and says what was asked for.
    @Test(arguments: ["", "disk.cpio"]) func itIsAManifest(initrd: String) throws {
        let partitions = [1, 2].map {
            NewPartition(name: "part\($0)", cores: "\($0)", memory: "512M", kernel: "vmlinux", initrd: initrd)
        }
        let text = annotatedManifest(name: "new", partitions)
        #expect(refusals(text) == [])
        let manifest = try parseManifest(text, file: "new.yaml", images: .unchecked)
        #expect(manifest.name.string == "new" && manifest.link == .serial && manifest.partitionCount == 2)
        for (index, spec) in manifest.partitionList.enumerated() {
            #expect(spec.cores.list == [index + 1] && spec.memorySize == 512 << 20 && spec.permits == .all)
            #expect(spec.image.string == "vmlinux" && spec.initrd.string == initrd && spec.onCrash == .restart)
            #expect(spec.commandLine.string.hasPrefix("console=ttyS0") && spec.commandLine.string.hasSuffix("pci=off"))
        }
        #expect(text.split(separator: "\n").count { $0.contains("#") } > 15)
    }
}
