// swift-tools-version: 6.2
// One package, two worlds. Without BULKHEAD_METAL the host wing and its tests are built for Linux; with
// BULKHEAD_METAL=1 (set by the `bulkhead` script) the metal wing is built as a UEFI application. The shared wing is
// compiled in both, from the same files.
import PackageDescription

let metal = Context.environment["BULKHEAD_METAL"] == "1"
// A hypervisor with faults built in, for the test of what it does about its own.
let faults = Context.environment["BULKHEAD_FAULTS"] == "1"
// With the daemon and the packages that only it needs: the first `./bulkhead demo` fetches and builds none of them.
let daemon = Context.environment["BULKHEAD_DAEMON"] == "1"

// `-no-allocations` turns any heap use into a compile error (law 4). The `-mno-*` flags reach Swift's code
// generation too: guests own the SSE registers and interrupts may use the stack below RSP.
let bareMetalFlags = [
    "-enable-experimental-feature", "Embedded", "-wmo", "-parse-as-library", "-Osize", "-no-allocations",
    "-Xfrontend", "-disable-stack-protector", "-Xfrontend", "-function-sections",
    "-Xcc", "-mno-sse", "-Xcc", "-mno-red-zone", "-Xcc", "-ffreestanding", "-Xcc", "-fPIC",
]
let swiftSettings: [SwiftSetting] =
    [.strictMemorySafety(), .enableExperimentalFeature("Lifetimes")] + (metal ? [.unsafeFlags(bareMetalFlags)] : [])

let freestanding = [
    "-ffreestanding", "-fPIC", "-mno-sse", "-mno-red-zone", "-fno-stack-protector", "-fvisibility=hidden", "-Os",
    "-ffunction-sections",
]

/// A target of one of the wings, which are folders of `Sources`: the path says who trusts it.
/// `fast`: optimized on the host too, even where the tool is built for debugging.
func room(_ wing: String, _ name: String, _ dependencies: [Target.Dependency] = [], fast: Bool = false) -> Target {
    let settings = swiftSettings + (fast && !metal ? [.unsafeFlags(["-O"])] : [])
    return .target(name: name, dependencies: dependencies, path: "Sources/\(wing)/\(name)", swiftSettings: settings)
}

/// BearSSL's source is fetched by Tools/bearssl. On the host it is built as for bare metal.
let bearssl = "\(Context.packageDirectory)/.cache/bearssl"
let cryptography = [
    "-mgeneral-regs-only", "-fno-stack-protector", "-fno-strict-aliasing", "-O2", "-I\(bearssl)/src",
    "-I\(bearssl)/inc",
]

let shared: [Target] = [
    .target(
        name: "AESGCM", path: "Sources/Shared/AESGCM",
        cSettings: [
            .unsafeFlags(
                (metal ? freestanding + ["-I\(Context.packageDirectory)/Sources/Shared/AESGCM/freestanding"] : [])
                    + cryptography)
        ]),
    room("Shared", "Text"),
    room("Shared", "CBOR"),
    room("Shared", "X86", ["Text"]),
    room("Shared", "Remapping", ["Text", "X86"]),
    room("Shared", "Records", ["Remapping", "Text", "X86"]),
    room("Shared", "PCI", ["Text"]),
    room("Shared", "Platform", ["PCI", "Text", "X86"]),
    room("Shared", "Loaders", ["Platform"]),
    room("Shared", "Trust", ["CBOR"], fast: true),
    room("Shared", "Resources", ["Text", "X86"]),
    room("Shared", "Manifest", ["CBOR", "PCI", "Resources", "Text", "Trust"], fast: true),
    room("Shared", "Watch", ["Manifest", "X86"]),
    room("Shared", "Control", ["CBOR", "Manifest", "Records", "Resources", "Text"]),
    room("Shared", "WireSeal", ["AESGCM", "Text", "Trust"]),
    room("Shared", "Virtio", ["Platform", "Text", "WireSeal"]),
    room("Shared", "DeviceModel", ["Control", "Platform", "Text", "Virtio", "WireSeal"]),
]

/// Where the metal wing is built: Tools/build-metal says so too.
let metalScratch = "\(Context.packageDirectory)/.build-metal\(faults ? "-faults" : "")"
let metalSettings = swiftSettings + (faults ? [.define("FAULT_INJECTION")] : [])

func linker(_ script: String, _ flags: [String], map: String) -> [LinkerSetting] {
    let all =
        flags + [
            "--gc-sections", "-T\(Context.packageDirectory)/Sources/Metal/\(script)", "--oformat=binary",
            "-Map=\(metalScratch)/\(map)",
        ]
    return [
        .unsafeFlags(
            ["-enable-experimental-feature", "Embedded", "-use-ld=lld", "-nostartfiles", "-Xclang-linker", "-nostdlib"]
                + all.flatMap { ["-Xlinker", $0] })
    ]
}

let metalWing: [Target] = [
    .target(name: "Silicon", path: "Sources/Metal/Silicon", cSettings: [.unsafeFlags(freestanding)]),
    .target(
        name: "LoaderEntry", path: "Sources/Metal/Loader/Entry", exclude: ["loader.ld"],
        cSettings: [.unsafeFlags(freestanding)] + (faults ? [.define("FAULT_INJECTION")] : [])),
    .executableTarget(
        name: "Loader",
        dependencies: ["LoaderEntry", "Loaders", "Platform", "WireSeal"],
        path: "Sources/Metal/Loader/Program",
        swiftSettings: metalSettings,
        linkerSettings: linker("Loader/Entry/loader.ld", ["-no-pie"], map: "LOADER.map")),
    .target(
        name: "LoaderImage", path: "Sources/Metal/LoaderImage",
        cSettings: [.unsafeFlags(freestanding + ["-I\(metalScratch)/loader"])]),
    .target(
        name: "ModelEntry", path: "Sources/Metal/Model/Entry", exclude: ["model.ld"],
        cSettings: [.unsafeFlags(freestanding)]),
    .executableTarget(
        name: "Model",
        dependencies: ["ModelEntry", "DeviceModel", "Platform"],
        path: "Sources/Metal/Model/Program",
        swiftSettings: metalSettings,
        linkerSettings: linker("Model/Entry/model.ld", ["-no-pie"], map: "MODEL.map")),
    .target(
        name: "ModelImage", path: "Sources/Metal/ModelImage",
        cSettings: [.unsafeFlags(freestanding + ["-I\(metalScratch)/model"])]),
    .executableTarget(
        name: "Hypervisor",
        dependencies: [
            "CBOR", "Silicon", "LoaderImage", "ModelImage", "Control", "Manifest", "PCI", "Platform", "Records",
            "Remapping",
            "Resources", "Text", "Trust", "Watch", "X86",
        ],
        path: "Sources/Metal/Hypervisor",
        swiftSettings: metalSettings,
        linkerSettings: [.unsafeFlags(["-Xclang-linker", "-pie"])]
            + linker(
                "Silicon/image.ld",
                [
                    "-pie", "--no-dynamic-linker", "-znorelro", "-znotext", "-Bsymbolic", "-L\(metalScratch)/order",
                    "-L\(Context.packageDirectory)/Sources/Metal/Silicon",
                ], map: "BULKHEAD.map")),
]

let hostSettings: [SwiftSetting] = [.strictMemorySafety()]

func hostRoom(_ name: String, _ dependencies: [Target.Dependency], fast: Bool = false) -> Target {
    let settings = hostSettings + (fast ? [.unsafeFlags(["-O"])] : [])
    return .target(name: name, dependencies: dependencies, path: "Sources/Host/\(name)", swiftSettings: settings)
}

func unitTests(_ name: String, _ dependencies: [Target.Dependency] = [], exclude: [String] = []) -> Target {
    .testTarget(name: name, dependencies: dependencies, path: "Tests/Unit/\(name)", exclude: exclude)
}

let yams: Target.Dependency = .product(name: "Yams", package: "Yams")

let hostWing: [Target] = [
    hostRoom("Keys", ["CBOR", "Trust"], fast: true),
    hostRoom("Audit", ["ManifestRules", "Trust"], fast: true),
    hostRoom("ManifestRules", ["CBOR", "Manifest", "PCI", "Resources", "Text", "Trust"]),
    hostRoom("Policy", ["Keys", "Manifest", "ManifestFile", "ManifestRules", yams]),
    hostRoom("KernelImages", ["Watch"]),
    hostRoom(
        "ManifestFile",
        [
            "KernelImages", "Loaders", "Manifest", "ManifestRules", "PCI", "Platform", "Resources", "Text", "Trust",
            yams,
        ]),
    hostRoom("ControlClient", ["CBOR", "Control", "Manifest", "PCI", "Resources", "Text"]),
    hostRoom(
        "Machines",
        ["KernelImages", "Keys", "Manifest", "ManifestFile", "ManifestRules", "Control", "ControlClient", "Text"]),
    hostRoom("SignedImages", ["Keys", "Machines", "Manifest", "ManifestFile", "ManifestRules", "Trust"]),
    hostRoom("Installation", ["Machines", "ManifestRules"]),
    hostRoom("TestKit", ["Manifest", "ManifestFile", "Control", "ControlClient", "Machines", "Records", yams]),
    hostRoom(
        "Inventory",
        [
            "Control", "ControlClient", "Manifest", "ManifestFile", "ManifestRules", "PCI", "Remapping", "Resources",
            "X86",
        ]),
    hostRoom(
        "Reports",
        [
            "Control", "ControlClient", "Manifest", "ManifestFile", "ManifestRules", "Resources", "Text", "Watch",
            "X86",
        ]),
    // Parses what strangers send.
    hostRoom("LibvirtWire", [], fast: true),
    hostRoom(
        "LibvirtBench",
        ["Control", "ControlClient", "LibvirtWire", "Machines", "Manifest", "ManifestRules", "Resources"], fast: true),
    hostRoom("TPM", ["ControlClient", "Trust"]),
    // Parses what strangers send.
    hostRoom("Attestation", ["CBOR", "Keys", "Machines", "SignedImages", "TPM", "Trust"], fast: true),
    hostRoom("Seal", ["Keys", "TPM", "Trust"]),
    hostRoom(
        "SealedPair", ["Keys", "Machines", "Manifest", "ManifestFile", "Seal", "SignedImages", "TPM", "Trust"]),
    hostRoom("CrashReports", ["Machines", "ManifestRules", "Records", "Reports", "X86"]),
    .executableTarget(
        name: "CLI",
        dependencies: [
            "Attestation", "Audit", "CrashReports", "Installation", "Inventory", "Manifest", "ManifestFile",
            "ManifestRules",
            "LibvirtBench", "Machines", "Policy", "Control", "ControlClient", "Keys", "Reports", "Seal", "SealedPair",
            "SignedImages", "TPM", "TestKit", "Text", "X86",
            .product(name: "ArgumentParser", package: "swift-argument-parser"),
        ],
        path: "Sources/Host/CLI",
        swiftSettings: hostSettings),
    .target(name: "UnitSupport", dependencies: ["CBOR", "Loaders", "Platform", "X86"], path: "Tests/Unit/Support"),
    .target(name: "Firmware", path: "Tests/Unit/Firmware"),
    unitTests("HouseTests", ["Audit", "Firmware", "UnitSupport"]),
    unitTests("AuditTests", ["Audit"]),
    unitTests("PolicyTests", ["Manifest", "ManifestFile", "Policy", "UnitSupport"]),
    unitTests("LibvirtWireTests", ["LibvirtWire", "UnitSupport"]),
    unitTests("LibvirtBenchTests", ["LibvirtBench"]),
    unitTests("CBORTests", ["CBOR", "UnitSupport"]),
    unitTests("TrustTests", ["Trust", "UnitSupport"], exclude: ["lms.txt"]),
    unitTests("KeysTests", ["Keys", "Trust"]),
    unitTests("TPMTests", ["Machines", "TPM"]),
    unitTests("SealTests", ["Machines", "Seal", "TPM", "UnitSupport"]),
    unitTests("SealedPairTests", ["Machines", "ManifestFile", "SealedPair", "Trust"]),
    unitTests("X86Tests", ["Inventory", "UnitSupport", "X86"]),
    unitTests("RemappingTests", ["Remapping", "UnitSupport"]),
    unitTests("RecordsTests", ["CrashReports", "Records", "Remapping", "Text"]),
    unitTests("CrashReportsTests", ["CrashReports", "Records", "X86"]),
    unitTests("WatchTests", ["KernelImages", "Manifest", "Watch", "X86"]),
    unitTests(
        "ResourcesTests",
        ["Manifest", "ManifestFile", "ManifestRules", "Remapping", "Resources", "UnitSupport", "X86"]),
    unitTests("PCITests", ["PCI", "UnitSupport"], exclude: ["q35.txt"]),
    unitTests(
        "ManifestTests",
        [
            "CBOR", "Manifest", "ManifestFile", "ManifestRules", "PCI", "Resources", "Text", "Trust", "UnitSupport",
            "WireSeal",
        ]),
    unitTests(
        "ControlTests",
        [
            "CBOR", "Control", "ControlClient", "DeviceModel", "Manifest", "ManifestFile", "PCI", "Records",
            "Resources", "Text",
            "UnitSupport",
        ]),
    unitTests("LoadersTests", ["Loaders", "Platform", "UnitSupport"]),
    unitTests("PlatformTests", ["Loaders", "PCI", "Platform", "UnitSupport", "X86"]),
    unitTests("VirtioTests", ["Control", "DeviceModel", "Platform", "Text", "UnitSupport", "Virtio", "WireSeal"]),
    unitTests("WireSealTests", ["AESGCM", "Text", "Trust", "UnitSupport", "WireSeal"]),
    unitTests(
        "InventoryTests",
        ["Control", "ControlClient", "Inventory", "Manifest", "ManifestFile", "ManifestRules", "PCI"]),
    unitTests(
        "ReportsTests",
        ["Control", "ControlClient", "Manifest", "ManifestRules", "Reports", "Resources", "Text", "X86"]),
    unitTests("InstallationTests", ["Installation", "Machines"]),
    unitTests("MachinesTests", ["ControlClient", "Machines", "TestKit"]),
    unitTests(
        "AttestationTests",
        [
            "Attestation", "Machines", "ManifestFile", "SignedImages", "TPM", "Trust", "UnitSupport",
        ], exclude: ["firmware-log.bin"]),
    unitTests("SignedImagesTests", ["Keys", "Machines", "ManifestFile", "SignedImages", "Trust", "UnitSupport"]),
    .testTarget(
        name: "MachineTests",
        dependencies: [
            "Attestation", "Audit", "Control", "Keys", "Seal", "SealedPair", "SignedImages", "TPM", "Installation",
            "Inventory",
            "ControlClient", "Machines", "Manifest", "ManifestFile", "ManifestRules", "KernelImages", "Reports",
            "TestKit",
            "Trust", "UnitSupport", "Watch", "WireSeal",
            "X86",
        ],
        path: "Tests/Machines", exclude: ["Libvirt", "Manifests", "tpm-pipe.py"]),
]

func product(_ name: String, _ package: String) -> Target.Dependency { .product(name: name, package: package) }

let daemonWing: [Target] = [
    hostRoom(
        "Daemon",
        [
            "Audit", "Control", "ControlClient", "Inventory", "Keys", "LibvirtWire", "Manifest", "ManifestFile",
            "Policy", yams,
            product("GRDB", "GRDB.swift"), product("Logging", "swift-log"), product("NIOCore", "swift-nio"),
            product("NIOHTTP1", "swift-nio"), product("NIOPosix", "swift-nio"), product("NIOSSL", "swift-nio-ssl"),
            product("NIOTLS", "swift-nio"),
        ]),
    .executableTarget(
        name: "bulkheadd",
        dependencies: [
            "ControlClient", "Daemon", "Keys", "ManifestFile", "Policy",
            product("ArgumentParser", "swift-argument-parser"),
            product("Logging", "swift-log"), product("NIOCore", "swift-nio"),
        ],
        path: "Sources/Host/bulkheadd",
        swiftSettings: hostSettings),
    unitTests(
        "DaemonTests",
        [
            "Audit", "Control", "ControlClient", "Daemon", "Inventory", "Keys", "LibvirtBench", "LibvirtWire",
            "Manifest", "ManifestFile", "Policy", "Resources", "Text", "UnitSupport",
            product("GRDB", "GRDB.swift"), product("Logging", "swift-log"), product("NIOCore", "swift-nio"),
            product("NIOEmbedded", "swift-nio"), product("NIOHTTP1", "swift-nio"), product("NIOPosix", "swift-nio"),
            product("NIOSSL", "swift-nio-ssl"),
        ]),
]

let package = Package(
    name: "bulkhead",
    dependencies: metal
        ? []
        : [
            // Exactly these, so that an archive can be made again (Tools/release).
            .package(url: "https://github.com/apple/swift-argument-parser", exact: "1.8.2"),
            .package(url: "https://github.com/jpsim/Yams", exact: "6.2.2"),
        ]
            + (daemon
                ? [
                    .package(url: "https://github.com/apple/swift-nio", exact: "2.101.2"),
                    .package(url: "https://github.com/apple/swift-nio-ssl", exact: "2.37.6"),
                    .package(url: "https://github.com/apple/swift-log", exact: "1.16.2"),
                    .package(url: "https://github.com/groue/GRDB.swift", exact: "7.10.0"),
                    // What those depend on.
                    .package(url: "https://github.com/apple/swift-atomics", exact: "1.3.0"),
                    .package(url: "https://github.com/apple/swift-collections", exact: "1.6.0"),
                    .package(url: "https://github.com/apple/swift-system", exact: "1.8.1"),
                ] : []),
    targets: shared + (metal ? metalWing : hostWing + (daemon ? daemonWing : [])))
