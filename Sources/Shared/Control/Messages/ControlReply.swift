import CBOR

/// What a request is answered with: a map whose key 0 is the status; it has others only when that is `ok`.
extension CBORWriter {
    /// Begins a reply, of which `fields` more must follow.
    public mutating func reply(_ status: ControlStatus = .ok, fields: Int) {
        map(1 + fields)
        field(0, UInt64(status.rawValue))
    }

    /// Begins a field that is an array, of which `count` items must follow.
    mutating func list(_ key: UInt64, of count: Int) {
        self.key(key)
        array(count)
    }
}
