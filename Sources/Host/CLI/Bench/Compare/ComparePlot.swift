import Foundation
import Machines

/// The comparison as an SVG picture: histograms of wake-up latency over each other, and bars of exits a second. Both axes
/// of quantities are logarithmic.
struct ComparePlot {
    private let report: CompareReport
    private static let colours = ["bare": "#555555", "bulkhead": "#0b6e4f", "kvm": "#c1440e"]

    init(_ report: CompareReport) { self.report = report }

    var svg: String {
        let (width, height) = (1120, 880)
        return """
            <svg xmlns="http://www.w3.org/2000/svg" width="\(width)" height="\(height)" \
            viewBox="0 0 \(width) \(height)" font-family="sans-serif" font-size="13" fill="#222">
            <rect width="100%" height="100%" fill="white"/>
            \(latency(PlotFrame(x: 90, y: 60, width: 990, height: 340)))
            \(exits(PlotFrame(x: 90, y: 510, width: 990, height: 290)))
            <text x="90" y="\(height - 16)" font-size="11" fill="#666">\
            \(PlotFrame.escaped("emulated \(report.processor) (QEMU TCG), guest Linux \(report.guestKernel), "
                + "windows of \(report.windowSeconds) s; latencies there are mostly the host's; exits are exact"))</text>
            </svg>

            """
    }

    private func latency(_ frame: PlotFrame) -> String {
        let curves = self.curves
        let least = curves.compactMap { $0.histogram.buckets.first?.microseconds }.min() ?? 1
        let x = LogScale(
            from: least < 10 ? 1 : 10, to: 100_000, low: Double(frame.x), high: Double(frame.x + frame.width))
        let y = LogScale(from: 0.0001, to: 1, low: Double(frame.y + frame.height), high: Double(frame.y))
        let times = [(1, "1"), (10, "10"), (100, "100"), (1000, "1000"), (10_000, "10000"), (100_000, "100000")]
        var parts = [
            frame.title("Wake-up latency of cyclictest every 1 ms"),
            frame.grid(x: x, labels: times.suffix(least < 10 ? 6 : 5).map { (Double($0.0), $0.1) }),
            frame.grid(
                y: y, labels: [(1, "100 %"), (0.1, "10 %"), (0.01, "1 %"), (0.001, "0.1 %"), (0.0001, "0.01 %")]),
            frame.axes("latency, microseconds", "share of wake-ups that are later"),
        ]
        for (index, curve) in curves.enumerated() {
            let dash = curve.dashed ? #" stroke-dasharray="6 4""# : ""
            let path = Self.staircase(curve, x, y)
            parts.append(
                #"<polyline points="\#(path)" fill="none" stroke="\#(curve.colour)" stroke-width="2"\#(dash)/>"#)
            parts.append(frame.legend(curves.count - index, curve.title, curve.colour, dash))
        }
        return parts.joined(separator: "\n")
    }

    private struct Curve {
        let title: String
        let colour: String
        let dashed: Bool
        let histogram: LatencyHistogram
        /// Microseconds.
        let most: Int
    }

    private var curves: [Curve] {
        report.peers.flatMap { peer in
            [(peer.alone, "alone", false), (peer.besideNeighbour, "beside a storming neighbour", true)]
                .compactMap { window, place, dashed in
                    guard let histogram = window?.histogram, let latency = window?.latency else { return nil }
                    return Curve(
                        title: "\(peer.title), \(place)", colour: Self.colours[peer.name] ?? "black",
                        dashed: dashed, histogram: histogram, most: latency.max)
                }
        }
    }

    /// The share of samples above each latency: a falling staircase stays legible where bars would hide each other.
    private static func staircase(_ curve: Curve, _ x: LogScale, _ y: LogScale) -> String {
        var left = Double(curve.histogram.samples)
        var points = [(x.position(0), y.position(1))]
        for bucket in curve.histogram.buckets {
            // What is in the last bucket, which has no end, lies somewhere up to the longest latency.
            let end = LatencyHistogram.width(at: bucket.microseconds) == nil ? curve.most : bucket.microseconds
            let edge = x.position(Double(end))
            points.append((edge, points.last?.1 ?? 0))
            left -= Double(bucket.count)
            points.append((edge, y.position(left / Double(max(curve.histogram.samples, 1)))))
        }
        return points.map { String(format: "%.1f,%.1f", $0.0, $0.1) }.joined(separator: " ")
    }

    private func exits(_ frame: PlotFrame) -> String {
        let peers = report.peers.filter { $0.name != "bare" }
        let activities = peers.first?.windows.map(\.activity) ?? []
        let y = LogScale(from: 0.1, to: 100_000, low: Double(frame.y + frame.height), high: Double(frame.y))
        var parts = [
            frame.title("Exits a second"),
            frame.grid(
                y: y,
                labels: [
                    (0.1, "0.1"), (1, "1"), (10, "10"), (100, "100"), (1000, "1000"), (10_000, "10000"),
                    (100_000, "100000"),
                ]),
            frame.axes("", "exits in a second"),
        ]
        let slot = Double(frame.width) / Double(max(activities.count, 1))
        let bar = slot * 0.7 / Double(max(peers.count, 1))
        for (column, activity) in activities.enumerated() {
            let start = Double(frame.x) + slot * (Double(column) + 0.15)
            for (index, peer) in peers.enumerated() {
                guard let rate = peer.window(activity)?.exitsPerSecond else { continue }
                let left = start + bar * Double(index)
                let top = y.position(rate)
                let bottom = Double(frame.y + frame.height)
                parts.append(
                    String(
                        format: #"<rect x="%.1f" y="%.1f" width="%.1f" height="%.1f" fill="%@"/>"#, left, top,
                        bar - 4, max(bottom - top, 0), Self.colours[peer.name] ?? "black"))
                parts.append(PlotFrame.label(left + bar / 2 - 2, top - 5, CompareTable.rate(rate)))
            }
            parts.append(
                PlotFrame.label(
                    start + slot * 0.35, Double(frame.y + frame.height) + 20, CompareTable.words[activity] ?? activity))
        }
        for (index, peer) in peers.enumerated() {
            parts.append(frame.heading(index, peer.title, Self.colours[peer.name] ?? "black"))
        }
        return parts.joined(separator: "\n")
    }
}
