extension Example {
    /// Two machines of one owner, and a network that nobody trusts.
    public static let sealedWire = Example(
        name: "sealed-wire",
        abstract: "Two machines with a TPM each talk over a network that reads nothing, with unchanged guests.",
        recipe: ["build-service"], iommu: .vtd,
        steps: [
            ExampleStep(
                "app", "@bulkhead link state=up", "has a link: its TPM has opened the secret, of which keys are made"),
            ExampleStep("app@right", "@bulkhead link state=up", "has one too, on the other machine"),
            ExampleStep("service", "@bulkhead carrying", "owns the network card, passes frames on, and captures them"),
            ExampleStep("service@right", "@bulkhead carrying", "does the same there"),
            ExampleStep("app", "@bulkhead sealed ", "hears the other machine's app"),
            ExampleStep(
                "app@right", "@bulkhead sealed ", "hears this one's", then: .type("send good morning", on: "app")),
            ExampleStep(
                "app@right", "@bulkhead received text=good morning", "has a message", then: .type("look", on: "service")
            ),
            ExampleStep(
                "service", "@bulkhead looked number=1 readable=no ", "finds no message in its capture",
                then: .type("clear", on: "service")),
            ExampleStep(
                "service", "@bulkhead cleared ", "has sent a message of its own in clear, which no app gets",
                then: .type("look", on: "service")),
            ExampleStep(
                "service", "@bulkhead looked number=2 readable=yes ", "finds that one: it can read what is in clear"),
        ],
        // Its machines are SealedPair's to make.
        devices: { _, _ in [] }, second: "right")
}
