extension Example {
    /// One network card for three partitions.
    public static let sharedNIC = Example(
        name: "shared-nic",
        abstract: "One partition owns the network card, and routes and filters for two others.",
        recipe: ["build-service"], iommu: .vtd,
        steps: [
            ExampleStep("router", "@bulkhead second server answers", "the card works; outside, ports 80 and 81 answer"),
            ExampleStep("router", "@bulkhead routing ", "routes, filters and serves addresses and names"),
            ExampleStep("client", "@bulkhead lease ", "has an address (dnsmasq, over the wire)"),
            ExampleStep("client", "@bulkhead resolved ", "knows a server's address by its name"),
            ExampleStep("client", "@bulkhead fetched ", "has fetched a file from outside", then: .matchPage),
            ExampleStep("client", "@bulkhead blocked url=http://download.example:81/", "does not reach port 81"),
            ExampleStep("client", "@bulkhead blocked url=http://10.9.2.2:8080/", "does not reach the listener"),
            ExampleStep("router", "@bulkhead refused ", "counts what it has refused"),
            ExampleStep("listener", "@bulkhead listening ", "serves a page, reached from outside", then: .fetch),
        ],
        devices: { outside, _ in Emulator.networkCard(outside.network("outside")) })
}
