/// What a file that is read as a program's environment, by a shell or by systemd, makes of one variable; nothing in it is executed.
package enum AssignedVariable: Hashable, Sendable {
    /// It says nothing of it.
    case untouched
    case value(String)
    /// More than plain assignments decide: a condition, another variable, another file.
    case unclear

    package init(_ name: String, in content: [UInt8]) {
        let lines = content.split(separator: UInt8(ascii: "\n"))
            .filter { line in
                let first = line.first { !Self.isBlank($0) }
                return first != nil && first != UInt8(ascii: "#") && first != UInt8(ascii: ";")
            }
        let mentions = lines.filter { Self.assigns(name, $0) }
        let readsAnother = lines.contains { $0.starts(with: ". ".utf8) || $0.starts(with: "source ".utf8) }
        let found = EnvironmentText(content).assignments(of: name)
        let isPlain =
            found.allSatisfy(\.isPlain) && found.count == mentions.count && !readsAnother
            // What stands further in is likely to be within a condition.
            && mentions.allSatisfy { $0.first.map { !Self.isBlank($0) } ?? false }
        guard isPlain else {
            self = .unclear
            return
        }
        self = found.last.map { .value(String(decoding: content[$0.value], as: UTF8.self)) } ?? .untouched
    }

    private static func isBlank(_ byte: UInt8) -> Bool {
        byte == UInt8(ascii: " ") || byte == 9 || byte == 13
    }

    /// Whether `name=` stands in a line as a word of its own, whatever is around it.
    private static func assigns(_ name: String, _ line: ArraySlice<UInt8>) -> Bool {
        let wanted = Array((name + "=").utf8)
        return line.indices.contains { index in
            guard line[index...].starts(with: wanted) else { return false }
            guard index > line.startIndex else { return true }
            let before = line[index - 1]
            let letter = before | 0x20
            return
                !((UInt8(ascii: "a")...UInt8(ascii: "z")).contains(letter)
                || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(before) || before == UInt8(ascii: "_"))
        }
    }
}
