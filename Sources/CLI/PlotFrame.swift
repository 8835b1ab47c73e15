import Foundation

/// A logarithmic axis.
struct LogScale {
    private let from: Double
    private let to: Double
    private let low: Double
    private let high: Double

    /// - Parameters:
    ///   - from: the value at position `low`; above 0.
    ///   - to: the value at position `high`.
    init(from: Double, to: Double, low: Double, high: Double) {
        (self.from, self.to, self.low, self.high) = (from, to, low, high)
    }

    /// Where a value stands; what is beyond an end stands at that end.
    func position(_ value: Double) -> Double {
        let part = log(max(min(value, to), from) / from) / log(to / from)
        return low + part * (high - low)
    }
}

/// A rectangle in which a picture plots, in SVG units.
struct PlotFrame {
    let x: Int
    let y: Int
    let width: Int
    let height: Int

    func title(_ text: String) -> String {
        #"<text x="\#(x)" y="\#(y - 18)" font-size="17" font-weight="bold">\#(Self.escaped(text))</text>"#
    }

    func grid(x scale: LogScale, labels: [(value: Double, text: String)]) -> String {
        labels.map { label in
            let at = scale.position(label.value)
            return Self.line(at, Double(y), at, Double(y + height))
                + Self.label(at, Double(y + height) + 18, label.text)
        }.joined(separator: "\n")
    }

    func grid(y scale: LogScale, labels: [(value: Double, text: String)]) -> String {
        labels.map { label in
            let at = scale.position(label.value)
            return Self.line(Double(x), at, Double(x + width), at)
                + Self.label(Double(x) - 8, at + 4, label.text, anchor: "end")
        }.joined(separator: "\n")
    }

    /// One line of the legend, in the upper right corner.
    func legend(_ index: Int, _ text: String, _ colour: String, _ dash: String) -> String {
        let (left, at) = (x + width - 290, y + 18 + index * 20)
        return """
            <rect x="\(left - 8)" y="\(at - 14)" width="298" height="20" fill="white"/>
            <line x1="\(left)" y1="\(at - 4)" x2="\(left + 30)" y2="\(at - 4)" stroke="\(colour)" stroke-width="4"\(dash)/>
            <text x="\(left + 38)" y="\(at)">\(Self.escaped(text))</text>
            """
    }

    static func label(_ x: Double, _ y: Double, _ text: String, anchor: String = "middle") -> String {
        String(format: #"<text x="%.1f" y="%.1f" font-size="12" text-anchor="%@">"#, x, y, anchor)
            + escaped(text) + "</text>"
    }

    private static func line(_ x1: Double, _ y1: Double, _ x2: Double, _ y2: Double) -> String {
        String(format: ##"<line x1="%.1f" y1="%.1f" x2="%.1f" y2="%.1f" stroke="#dddddd"/>"##, x1, y1, x2, y2)
    }

    static func escaped(_ text: String) -> String {
        text.replacingOccurrences(of: "&", with: "&amp;").replacingOccurrences(of: "<", with: "&lt;")
            .replacingOccurrences(of: ">", with: "&gt;")
    }
}
