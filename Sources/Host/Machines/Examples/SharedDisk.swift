import Foundation

extension Example {
    /// A Debian whose root file system is another partition's disk, encrypted.
    public static let sharedDisk = Example(
        name: "shared-disk",
        abstract: "One partition owns the disk; a Debian boots from it over a wire, inside LUKS2.",
        recipe: ["build-service", "--root"], iommu: .vtd,
        steps: [
            ExampleStep("disk", "@bulkhead serving ", "owns the disk and serves it by NBD"),
            ExampleStep(
                "debian", "@bulkhead passphrase wanted", "has the disk, encrypted", then: .passphrase),
            ExampleStep("debian", "@bulkhead root ", "has opened it with the passphrase that was typed here"),
            ExampleStep("debian", "Debian GNU/Linux 12 ", "has booted from it to its login prompt"),
        ],
        devices: { outside, workspace in
            // What the machine writes is in copies: the images stay as they are built.
            let root = try outside.file("disk", copyOf: workspace.guests.appending(path: "debian-luks.img"))
            let scratch = try outside.file("scratch", bytes: 16 << 20)
            return [
                "-drive", "if=none,id=root,format=raw,file=\(root.path)",
                "-drive", "if=none,id=scratch,format=raw,file=\(scratch.path)",
                "-device", "pcie-root-port,id=port1,chassis=1,slot=1,addr=4",
                "-device", "nvme,id=disk,serial=1,bus=port1",
                "-device", "nvme-ns,drive=root,bus=disk,nsid=1", "-device", "nvme-ns,drive=scratch,bus=disk,nsid=2",
            ]
        })

    /// What opens the disk; the recipe has encrypted it with this.
    public static func passphrase(_ workspace: Workspace) throws -> String {
        let file = workspace.root.appending(path: "Guests/luks/passphrase")
        return try String(contentsOf: file, encoding: .utf8).trimmingCharacters(in: .newlines)
    }
}
