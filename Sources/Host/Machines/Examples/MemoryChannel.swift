extension Example {
    /// Two real-time partitions that poll shared memory.
    public static let memoryChannel = Example(
        name: "memory-channel",
        abstract: "Two real-time partitions talk through shared memory, and nobody exits for it.",
        recipe: ["build-pair"], iommu: nil,
        steps: [
            ExampleStep(
                "controller", "pair: first half of 512 KiB", "has found the channel, and writes its first half"),
            ExampleStep("drive", "pair: second half of 512 KiB", "has found it too, and writes the other"),
            ExampleStep("controller", "pair: trips=", "has counted round trips for five seconds"),
        ],
        devices: { _, _ in [] })
}
