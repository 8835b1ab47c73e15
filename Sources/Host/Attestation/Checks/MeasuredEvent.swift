import TPM
import Trust

/// An event that Bulkhead measures, as a log has it: EV_EVENT_TAG with number, length and name (Documentation/trust.md).
struct MeasuredEvent {
    /// As `ExpectedMeasurements.Event.object`; of an event of another kind, what it is.
    let object: String
    /// Nothing vouches for it but that the quote is for this log; the digest says what the object is.
    let name: String
    let digests: [PCRBank: [UInt8]]

    init(_ event: LoggedEvent) {
        digests = event.digests
        let type = String(event.type, radix: 16, uppercase: true)
        guard event.type == LoggedEvent.tag, let (number, name) = Self.tag(event.data) else {
            (object, self.name) = ("event of type \(type)h", "")
            return
        }
        self.name = name
        object =
            MeasuredObject(rawValue: number)?.name
            ?? "event with the number \(String(number, radix: 16, uppercase: true))h"
    }

    private static func tag(_ data: [UInt8]) -> (UInt32, String)? {
        var cursor = FieldCursor(data, of: .log)
        do throws(EvidenceError) {
            let number = try cursor.little(UInt32.self), count = try cursor.little(UInt32.self)
            let name = try cursor.take(Int(count))
            try cursor.finish()
            return (number, String(decoding: name, as: UTF8.self))
        } catch { return nil }
    }
}
