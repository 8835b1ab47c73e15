extension Emulator {
    /// A network card (e1000e) behind a root port of its own, as function 01:00.0; for `extra`.
    /// - Parameter network: what it is connected to, with the id `outside`, as of QEMU's `-netdev`.
    public static func networkCard(_ network: String) -> [String] {
        [
            "-netdev", network,
            "-device", "pcie-root-port,id=port1,chassis=1,slot=1,addr=4",
            "-device", "e1000e,netdev=outside,bus=port1",
        ]
    }
}
