import FoundationEssentials

/// The tables of a page of docs/ that describes the keys of a file.
package struct SettingsPage: Sendable {
    /// A line of a table, one key or several.
    package struct Row: Hashable, Sendable {
        /// The last heading or `A server:` above; `each client` where the key stands in an item of the row above.
        package let section: String
        package let keys: [String]
        /// As it would stand in the file; nil where no one value is the default.
        package let usual: String?
        /// Least and most, for instance `5 to 3600`.
        package let bounds: Set<String>
    }

    package let rows: [Row]

    /// - Parameter path: from the top of the tree on.
    package init(_ path: String) throws {
        let text = try Self.text(path)
        var (section, isKeys, rows) = ("", false, [Row]())
        for line in text.split(separator: "\n") {
            let cells = line.split(separator: "|").map { Self.trimmed(String($0)) }
            guard line.hasPrefix("|"), cells.count == 3 else {
                isKeys = false
                let isShort = line.hasPrefix("A") && line.hasSuffix(":") && line.count < 40
                if isShort || line.hasPrefix("#") { section = String(line) }
                continue
            }
            if cells[1] == "default" {
                isKeys = true
            } else if isKeys, cells[0].contains("`") {
                rows.append(try Self.row(section, cells))
            }
        }
        self.rows = rows.map { row in
            // What another key says is no value.
            let others = rows.filter { $0.section == row.section }.flatMap(\.keys)
            guard let usual = row.usual, others.contains(usual) else { return row }
            return Row(section: row.section, keys: row.keys, usual: nil, bounds: row.bounds)
        }
    }

    package static func text(_ path: String) throws -> String {
        let root = "/" + #filePath.split(separator: "/").dropLast(3).joined(separator: "/")
        return String(decoding: try Data(contentsOf: URL(filePath: "\(root)/\(path)")), as: UTF8.self)
    }

    private static func row(_ section: String, _ cells: [String]) throws -> Row {
        let codes = try Regex("`([^`]+)`", as: (Substring, Substring).self)
        let bounds = try Regex("[0-9]+ to [0-9]+")
        let words = cells[1] + " " + cells[2]
        return Row(
            section: cells[0].hasPrefix("- ") ? "each client" : section,
            keys: cells[0].matches(of: codes).map { String($0.output.1) },
            usual: cells[1].wholeMatch(of: codes).map { String($0.output.1) },
            bounds: Set(words.matches(of: bounds).map { String(words[$0.range]) })
        )
    }

    private static func trimmed(_ text: String) -> String {
        String(text.drop { $0 == " " }.reversed().drop { $0 == " " }.reversed())
    }
}

/// A settings file in which one key more may be stated, without any line's being another one for it.
package struct StatedFile: Sendable {
    /// With `<GROUP>` where a group's keys go, within braces; `<>` stands for lines of their own.
    private let template: String
    private var groups: [String: [(key: String, value: String)]]

    /// - Parameter groups: what is stated in any case.
    package init(_ template: String, _ groups: [String: [(key: String, value: String)]]) {
        self.template = template
        self.groups = groups
    }

    /// In the place of what the key said before.
    package func stating(_ key: String, _ value: String, in group: String) -> StatedFile {
        var copy = self
        copy.groups[group, default: []].removeAll { $0.key == key }
        copy.groups[group, default: []].append((key, value))
        return copy
    }

    package var text: String {
        var text = template
        while let start = text.firstIndex(of: "<"), let end = text[start...].firstIndex(of: ">") {
            let name = String(text[text.index(after: start)..<end])
            let stated = (groups[name] ?? []).map { "\($0.key): \($0.value)" }
            text.replaceSubrange(start...end, with: stated.joined(separator: name.isEmpty ? "\n" : ", "))
        }
        return text + "\n"
    }
}
