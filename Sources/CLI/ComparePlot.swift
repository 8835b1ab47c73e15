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
            \(latency(PlotFrame(x: 80, y: 60, width: 1000, height: 320)))
            \(exits(PlotFrame(x: 80, y: 500, width: 1000, height: 290)))
            <text x="80" y="\(height - 16)" font-size="11" fill="#666">\
            \(PlotFrame.escaped("emulated \(report.processor) (QEMU TCG), guest Linux \(report.guestKernel), "
                + "windows of \(report.windowSeconds) s; latencies there are mostly the host's; exits are exact"))</text>
            </svg>

            """
    }

    private func latency(_ frame: PlotFrame) -> String {
        var curves: [(title: String, colour: String, dashed: Bool, histogram: LatencyHistogram)] = []
        for peer in report.peers {
            for (window, dashed) in [(peer.alone, false), (peer.besideNeighbour, true)] {
                guard let histogram = window?.histogram, histogram.samples > 0 else { continue }
                curves.append(
                    (
                        peer.title + (dashed ? ", beside a storming neighbour" : ", alone"),
                        Self.colours[peer.name] ?? "black", dashed, histogram
                    ))
            }
        }
        let x = LogScale(from: 1, to: 20000, low: Double(frame.x), high: Double(frame.x + frame.width))
        let y = LogScale(from: 0.0001, to: 1, low: Double(frame.y + frame.height), high: Double(frame.y))
        var parts = [
            frame.title("Wake-up latency: share of wake-ups that were later than ..."),
            frame.grid(x: x, labels: [1, 10, 100, 1000, 10000].map { ($0, "\(Int($0)) us") }),
            frame.grid(
                y: y, labels: [(1, "100 %"), (0.1, "10 %"), (0.01, "1 %"), (0.001, "0.1 %"), (0.0001, "0.01 %")]),
        ]
        for (index, curve) in curves.enumerated() {
            // The share that is later than each bucket's upper edge: a falling staircase, legible where bars hide bars.
            var left = Double(curve.histogram.samples)
            var points = [(x.position(1), y.position(1))]
            for bucket in curve.histogram.buckets {
                let edge = x.position(Double(max(bucket.microseconds, 1)))
                points.append((edge, points.last?.1 ?? 0))
                left -= Double(bucket.count)
                points.append((edge, y.position(left / Double(curve.histogram.samples))))
            }
            let path = points.map { String(format: "%.1f,%.1f", $0.0, $0.1) }.joined(separator: " ")
            let dash = curve.dashed ? #" stroke-dasharray="6 4""# : ""
            parts.append(
                #"<polyline points="\#(path)" fill="none" stroke="\#(curve.colour)" stroke-width="2"\#(dash)/>"#)
            parts.append(frame.legend(index, curve.title, curve.colour, dash))
        }
        return parts.joined(separator: "\n")
    }

    private func exits(_ frame: PlotFrame) -> String {
        let peers = report.peers.filter { $0.windows.contains { $0.exits != nil } }
        let activities = peers.first?.windows.map(\.activity) ?? []
        let y = LogScale(from: 0.1, to: 100_000, low: Double(frame.y + frame.height), high: Double(frame.y))
        var parts = [
            frame.title("Exits a second"),
            frame.grid(y: y, labels: [0.1, 1, 10, 100, 1000, 10000, 100_000].map { ($0, CompareTable.rate($0)) }),
        ]
        let slot = Double(frame.width) / Double(max(activities.count, 1))
        let bar = slot * 0.7 / Double(max(peers.count, 1))
        for (column, activity) in activities.enumerated() {
            let start = Double(frame.x) + slot * (Double(column) + 0.15)
            for (index, peer) in peers.enumerated() {
                guard let rate = peer.windows.first(where: { $0.activity == activity })?.exitsPerSecond else { continue }
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
            parts.append(frame.legend(index, peer.title, Self.colours[peer.name] ?? "black", ""))
        }
        return parts.joined(separator: "\n")
    }
}
