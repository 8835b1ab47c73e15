/// libvirt's keepalive: a program of its own on the same connection, with messages that have neither serial nor body.
public enum Keepalive {
    public static let program: UInt32 = 0x6B65_6570
    public static let version: UInt32 = 1
    static let ping: Int32 = 1
    static let pong: Int32 = 2

    public static let pingPacket = packet(ping)
    public static let pongPacket = packet(pong)

    private static func packet(_ procedure: Int32) -> Packet {
        Packet(PacketHeader(program: program, version: version, procedure: procedure, type: .message, serial: 0))
    }

    /// Whether a packet is one of the program's, and wants a pong.
    public static func wantsPong(_ header: PacketHeader) -> Bool { header.procedure == ping && header.type == .message }
}
