extension Example {
    /// Two partitions that talk through a third one which they do not trust.
    public static let wireGuard = Example(
        name: "wireguard",
        abstract: "Two partitions talk through a third one, which captures all and reads nothing.",
        recipe: ["build-service"], iommu: nil,
        steps: [
            ExampleStep("carrier", "@bulkhead carrying", "passes packets on, and captures all of them"),
            // Who has said its key hears another's.
            ExampleStep("alice", "@bulkhead key ", "has made its key"),
            ExampleStep(
                "bob", "@bulkhead key ", "has made its key; alice is told the public one", then: .carry(to: "alice")),
            ExampleStep("alice", "@bulkhead key ", "has its own; bob is told the public one", then: .carry(to: "bob")),
            ExampleStep("bob", "@bulkhead tunnel ", "is at its end of the tunnel"),
            ExampleStep(
                "alice", "@bulkhead tunnel ", "is at its end of the tunnel",
                then: .type("tunnel good morning", on: "alice")),
            ExampleStep(
                "bob", "@bulkhead received by=tunnel text=good morning", "has a message by the tunnel",
                then: .type("look", on: "carrier")),
            ExampleStep(
                "carrier", "@bulkhead looked number=1 readable=no ", "finds no message in its capture",
                then: .type("clear good morning", on: "alice")),
            ExampleStep(
                "bob", "@bulkhead received by=clear text=good morning", "has a message past the tunnel",
                then: .type("look", on: "carrier")),
            ExampleStep(
                "carrier", "@bulkhead looked number=2 readable=yes ", "finds that one: it can read what is in clear"),
        ],
        devices: { _, _ in [] })
}
