import FoundationEssentials
import Printable
package import Procedure

/// One run event as one line of JSON, with nothing in it that a terminal does not show.
package enum EventLine {
    package static func json(_ event: RunEvent) -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        do {
            return PrintableText.json(String(decoding: try encoder.encode(event), as: UTF8.self))
        } catch {
            return #"{"event":"\#(event.event.rawValue)","at":\#(event.at)}"#
        }
    }
}
