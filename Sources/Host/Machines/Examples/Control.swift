extension Example {
    /// A machine that is managed from one of its partitions.
    public static let control = Example(
        name: "control",
        abstract: "One partition runs the daemon; unmodified virsh manages the machine through it, over TLS.",
        recipe: ["build-device"], iommu: .vtd,
        steps: [
            ExampleStep("control", "@bulkhead ready ", "has its network card, and starts bulkheadd"),
            ExampleStep(
                "control", "bulkheadd: TLS on ", "serves libvirt's clients", then: .client("alice", ["list", "--all"])),
            ExampleStep(
                "workload", "@bulkhead ready ", "is up, and alice may pause it",
                then: .client("alice", ["suspend", "workload"])),
            ExampleStep(
                "workload", "@bulkhead ready ", "was paused from outside, and she has it go on",
                then: .client("alice", ["resume", "workload"])),
            ExampleStep(
                "control-loop", "@bulkhead ready ", "is up, and the manifest lets nobody stop it",
                then: .client(
                    "alice", ["destroy", "control-loop"],
                    refusal: "the manifest does not permit \"stop\" of partition \"control-loop\"")),
            ExampleStep(
                "control", "bulkheadd: TLS on ", "has a policy by which bob may only look",
                then: .client("bob", ["destroy", "workload"], refusal: "this connection is read-only")),
        ],
        devices: { outside, _ in Emulator.networkCard(outside.control.network("outside")) },
        making: { outside, workspace, progress in try outside.control.make(workspace, progress: progress) })
}
