import LibvirtWire

/// What is called. Each is answered by the daemon itself, without asking anybody.
public enum BenchCall: String, CaseIterable, Codable, Sendable {
    /// All domains, as `virsh list --all` asks first.
    case list
    /// State, memory and processor time of a domain (`virsh dominfo`).
    case info
    /// A domain's description (`virsh dumpxml`).
    case xml

    var procedure: String {
        switch self {
        case .list: "connect_list_all_domains"
        case .info: "domain_get_info"
        case .xml: "domain_get_xml_desc"
        }
    }

    func request(of domain: WireDomain) -> BenchRequest {
        BenchRequest(procedure) { writer in
            switch self {
            case .list:
                writer.bool(true)
                writer.uint32(0)
            case .info: domain.write(&writer)
            case .xml:
                domain.write(&writer)
                writer.uint32(0)
            }
        }
    }
}

/// A call as bytes, in which each time only the serial number is another one: what the client does takes time from both
/// servers, and so it is little.
struct BenchRequest: Sendable {
    private var bytes: [UInt8]
    /// Where the serial number is: behind the length, program, version, procedure and type.
    private static let serial = 4 + 16

    /// - Parameter name: libvirt's name of a procedure that there is.
    init(_ name: String, _ write: (inout XDRWriter) -> Void = { _ in }) {
        guard let number = ProcedureNames.number(name) else { preconditionFailure("no procedure \(name)") }
        let header = PacketHeader(procedure: number, type: .call, serial: 0)
        bytes = Packet(header, XDRWriter.bytes(write)).encoded
    }

    mutating func encoded(serial: UInt32) -> [UInt8] {
        for index in 0..<4 { bytes[Self.serial + index] = UInt8(truncatingIfNeeded: serial >> UInt32(24 - 8 * index)) }
        return bytes
    }
}
