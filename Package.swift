// swift-tools-version: 6.2
// One package, two worlds. Without BULKHEAD_METAL the host wing and its tests are built for Linux; with
// BULKHEAD_METAL=1 (set by the `bulkhead` script) the metal wing is built as a UEFI application. The shared wing is
// compiled in both, from the same files.
import PackageDescription

let metal = Context.environment["BULKHEAD_METAL"] == "1"
// A hypervisor with faults built in, for the test of what it does about its own.
let faults = Context.environment["BULKHEAD_FAULTS"] == "1"

// `-no-allocations` turns any heap use into a compile error (law 4). The `-mno-*` flags reach Swift's code
// generation too: guests own the SSE registers and interrupts may use the stack below RSP.
let bareMetalFlags = [
    "-enable-experimental-feature", "Embedded", "-wmo", "-parse-as-library", "-Osize", "-no-allocations",
    "-Xfrontend", "-disable-stack-protector", "-Xfrontend", "-function-sections",
    "-Xcc", "-mno-sse", "-Xcc", "-mno-red-zone", "-Xcc", "-ffreestanding", "-Xcc", "-fPIC",
]
let swiftSettings: [SwiftSetting] =
    [.strictMemorySafety(), .enableExperimentalFeature("Lifetimes")] + (metal ? [.unsafeFlags(bareMetalFlags)] : [])

let shared: [Target] = [
    .target(name: "CBOR", swiftSettings: swiftSettings),
    .target(name: "X86", swiftSettings: swiftSettings),
    .target(name: "Manifest", dependencies: ["CBOR"], swiftSettings: swiftSettings),
    .target(name: "Control", dependencies: ["CBOR", "Manifest", "X86"], swiftSettings: swiftSettings),
    .target(name: "Platform", dependencies: ["X86"], swiftSettings: swiftSettings),
]

let metalWing: [Target] = [
    .target(
        name: "Silicon",
        cSettings: [
            .unsafeFlags([
                "-ffreestanding", "-fPIC", "-mno-sse", "-mno-red-zone", "-fno-stack-protector", "-fvisibility=hidden",
                "-Os", "-ffunction-sections",
            ])
        ]),
    .executableTarget(
        name: "Hypervisor",
        dependencies: ["Silicon", "CBOR", "X86", "Manifest", "Control", "Platform"],
        swiftSettings: swiftSettings + (faults ? [.define("FAULT_INJECTION")] : []),
        linkerSettings: [
            .unsafeFlags([
                "-enable-experimental-feature", "Embedded", "-use-ld=lld", "-nostartfiles", "-Xclang-linker",
                "-nostdlib", "-Xclang-linker", "-pie",
                "-Xlinker", "-pie", "-Xlinker", "--no-dynamic-linker", "-Xlinker", "-znorelro", "-Xlinker", "-znotext",
                "-Xlinker", "-Bsymbolic", "-Xlinker", "--gc-sections",
                "-Xlinker", "-T\(Context.packageDirectory)/Sources/Silicon/image.ld",
                "-Xlinker", "--oformat=binary",
                "-Xlinker", "-Map=\(Context.packageDirectory)/.build-metal\(faults ? "-faults" : "")/BULKHEAD.map",
            ])
        ]),
]

let hostWing: [Target] = [
    .target(
        name: "ManifestFile", dependencies: ["Manifest", .product(name: "Yams", package: "Yams")],
        swiftSettings: [.strictMemorySafety()]),
    .target(name: "Link", dependencies: ["CBOR", "Control", "Manifest"], swiftSettings: [.strictMemorySafety()]),
    .target(
        name: "Machines",
        dependencies: ["Manifest", "ManifestFile", "Control", "Link", .product(name: "Yams", package: "Yams")],
        swiftSettings: [.strictMemorySafety()]),
    .target(
        name: "Inventory", dependencies: ["Control", "Link", "Manifest", "ManifestFile", "Platform"],
        swiftSettings: [.strictMemorySafety()]),
    .executableTarget(
        name: "CLI",
        dependencies: [
            "Inventory", "ManifestFile", "Machines", "Control", "Link", "X86",
            .product(name: "ArgumentParser", package: "swift-argument-parser"),
        ],
        swiftSettings: [.strictMemorySafety()]),
    .testTarget(name: "CBORTests", dependencies: ["CBOR"]),
    .testTarget(name: "X86Tests", dependencies: ["X86"]),
    .testTarget(name: "ManifestTests", dependencies: ["CBOR", "Manifest", "ManifestFile"]),
    .testTarget(name: "ControlTests", dependencies: ["CBOR", "Control", "Link", "Manifest"]),
    .testTarget(name: "PlatformTests", dependencies: ["Platform", "X86"], exclude: ["PCI/q35.txt"]),
    .testTarget(
        name: "InventoryTests", dependencies: ["Control", "Inventory", "Manifest", "ManifestFile"]),
    .testTarget(name: "MachinesTests", dependencies: ["Link", "Machines"]),
    .testTarget(
        name: "MachineTests", dependencies: ["Control", "Inventory", "Link", "Machines", "Manifest", "ManifestFile"],
        exclude: ["Manifests"]),
]

let package = Package(
    name: "bulkhead",
    dependencies: metal
        ? []
        : [
            .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.0"),
            .package(url: "https://github.com/jpsim/Yams", from: "6.2.0"),
        ],
    targets: shared + (metal ? metalWing : hostWing))
