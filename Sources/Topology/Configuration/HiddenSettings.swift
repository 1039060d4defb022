import Printable

/// The lines of a properties file as they may be shown: values of settings that look like secrets are hidden, wherever they
/// go on and also where they are commented out.
struct HiddenSettings {
    /// By the number of a line as line feeds end them, from 0; the others may be shown as they are.
    private var shown: [Int: String] = [:]

    init(_ bytes: [UInt8]) {
        let elements: [PropertiesText.Element]
        do throws(ZooConfigurationError) {
            elements = try PropertiesText(bytes).elements
        } catch {
            hideWhatLooksSecret(bytes, fromLine: 0)
            return
        }
        var line = 0
        for element in elements {
            let feeds = element.bytes.count { $0 == 10 }
            switch element.content {
            case .other: hideWhatLooksSecret(element.bytes, fromLine: line)
            case .setting(let key, let value):
                if SecretValues.isSecret(name: key, value: value.trimmingBlanks()) {
                    shown[line] = "\(key)=\(SecretValues.mark)"
                    let last = element.bytes.last == 10 ? line + feeds - 1 : line + feeds
                    for continued in (line + 1)..<max(line + 1, last + 1) {
                        shown[continued] = SecretValues.mark
                    }
                }
            }
            line += feeds
        }
    }

    subscript(line: Int) -> String? { shown[line] }

    private mutating func hideWhatLooksSecret(_ bytes: [UInt8], fromLine first: Int) {
        for (index, line) in bytes.split(separator: 10, omittingEmptySubsequences: false).enumerated() {
            let text = String(decoding: line, as: UTF8.self)
            let hidden = SecretValues.hidden(in: text)
            if hidden != text { shown[first + index] = hidden }
        }
    }
}
