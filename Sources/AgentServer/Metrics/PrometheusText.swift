import Printable

/// Prometheus' text exposition format, version 0.0.4.
struct PrometheusText {
    enum Kind: String {
        case gauge
        case counter
    }

    struct Sample {
        let labels: KeyValuePairs<String, String>
        let value: String

        init(_ value: String, _ labels: KeyValuePairs<String, String> = [:]) {
            self.labels = labels
            self.value = value
        }
    }

    private(set) var text = ""

    /// Writes nothing at all for a metric without samples.
    mutating func add(
        _ name: String,
        _ kind: Kind,
        _ help: String,
        _ samples: [Sample]
    ) {
        guard !samples.isEmpty else { return }
        text += "# HELP \(name) \(escaped(help, quote: false))\n# TYPE \(name) \(kind.rawValue)\n"
        for sample in samples {
            let labels = sample.labels.map { "\($0.key)=\"\(escaped($0.value, quote: true))\"" }
            text +=
                name + (labels.isEmpty ? "" : "{" + labels.joined(separator: ",") + "}")
                + " \(sample.value)\n"
        }
    }

    mutating func add(_ name: String, _ kind: Kind, _ help: String, _ value: (some BinaryInteger)?) {
        add(name, kind, help, value.map { [Sample(String($0))] } ?? [])
    }

    mutating func add(_ name: String, _ kind: Kind, _ help: String, seconds milliseconds: Int64?) {
        add(name, kind, help, milliseconds.map { [Sample(Self.seconds($0))] } ?? [])
    }

    /// Exact: no floating point, no exponent.
    static func seconds(_ milliseconds: Int64) -> String {
        let magnitude = milliseconds.magnitude
        let fraction = String(magnitude % 1000 + 1000).dropFirst()
        return "\(milliseconds < 0 ? "-" : "")\(magnitude / 1000).\(fraction)"
    }

    private func escaped(_ text: String, quote: Bool) -> String {
        var result = ""
        for scalar in PrintableText(text).description.unicodeScalars {
            switch scalar {
            case "\\": result += "\\\\"
            case "\n": result += "\\n"
            case "\"" where quote: result += "\\\""
            case _: result.unicodeScalars.append(scalar)
            }
        }
        return result
    }
}
