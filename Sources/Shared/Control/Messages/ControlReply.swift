import CBOR

/// What a request is answered with: a map whose key 0 is the status; it has others only when that is `ok`.
extension CBORWriter {
    /// Begins a reply, of which `fields` more must follow.
    public mutating func reply(_ status: ControlStatus = .ok, fields: Int) {
        map(1 + fields)
        field(0, UInt64(status.rawValue))
    }

    /// Writes a reply that is one message. With `list`, an array of `count` items must follow, whose key that is, and
    /// behind it `further` fields.
    mutating func reply<M: ControlMessage>(_ message: M, list: UInt64? = nil, of count: Int = 0, further: Int = 0) {
        var message = message
        reply(fields: M.fieldCount + (list == nil ? 0 : 1) + further)
        message.fields(&self)
        guard let list else { return }
        key(list)
        array(count)
    }
}
