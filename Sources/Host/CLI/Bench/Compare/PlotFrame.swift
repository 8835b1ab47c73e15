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

    /// What the axes show: below the frame, and upright beside it.
    func axes(_ below: String, _ beside: String) -> String {
        let (left, middle) = (x - 64, y + height / 2)
        return Self.label(Double(x + width / 2), Double(y + height) + 38, below)
            + #"<text x="\#(left)" y="\#(middle)" font-size="12" text-anchor="middle" "#
            + #"transform="rotate(-90 \#(left) \#(middle))">\#(Self.escaped(beside))</text>"#
    }

    /// One line of the legend in the lower left corner; the first is the lowest.
    func legend(_ index: Int, _ text: String, _ colour: String, _ dash: String) -> String {
        Self.sample(x + 14, y + height - 10 - index * 20, text, colour, dash)
    }

    /// A piece of the legend beside the title.
    func heading(_ index: Int, _ text: String, _ colour: String) -> String {
        Self.sample(x + 200 + index * 200, y - 18, text, colour, "")
    }

    private static func sample(_ x: Int, _ y: Int, _ text: String, _ colour: String, _ dash: String) -> String {
        """
        <line x1="\(x)" y1="\(y - 4)" x2="\(x + 30)" y2="\(y - 4)" stroke="\(colour)" stroke-width="4"\(dash)/>
        <text x="\(x + 38)" y="\(y)">\(escaped(text))</text>
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
