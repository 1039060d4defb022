import SystemCalls
import Topology

/// Gathers every mistake of a plan file, so that one run reports them all.
struct PlanNotes {
    let file: String
    /// Whose the files must be that the plan names; nil for anybody's.
    let owners: TrustedOwners?
    /// In place of what stands in the inventory's file.
    var inventoryText: String?
    var yaml = YAMLProblems()
    private var problems: [PlanProblem] = []

    init(file: String, believing owners: TrustedOwners?) {
        self.file = file
        self.owners = owners
    }

    var count: Int { problems.count + yaml.found.count }

    mutating func note(_ fault: PlanFault, at node: YAMLNode) { note(fault, at: node.position) }

    mutating func note(_ fault: PlanFault, at position: YAMLPosition) {
        problems.append(PlanProblem(file: file, position: position, fault: fault))
    }

    /// Nil after a mistake in the form of the value was noted.
    mutating func read<Value>(_ read: () throws(YAMLError) -> Value) throws(YAMLError) -> Value? {
        try yaml.attempt(read)
    }

    /// Everything that was noted, in the order of the file.
    func check() throws(PlanError) {
        let format = yaml.found.map {
            PlanProblem(file: file, position: $0.position, fault: .format($0.fault))
        }
        let all = (format + problems).sorted {
            ($0.position.line, $0.position.column) < ($1.position.line, $1.position.column)
        }
        guard all.isEmpty else { throw .invalid(all) }
    }
}

extension PlanNotes {
    mutating func port(
        _ key: String,
        in map: YAMLMapping?,
        default number: Int
    ) throws(YAMLError) -> Port? {
        let read = try read { () throws(YAMLError) in try map?.optionalInteger(key, in: 1...65535) }
        guard let read else { return nil }
        return Port(read ?? number)
    }

    mutating func service(in map: YAMLMapping?, default name: String) throws(YAMLError) -> String? {
        guard let read = try read({ () throws(YAMLError) in try map?.optionalString("service") }) else {
            return nil
        }
        guard let text = read, let node = map?["service"] else { return name }
        guard text.utf8.allSatisfy({ $0 > 32 && $0 < 127 && $0 != UInt8(ascii: "/") }), text.first != "-"
        else {
            note(.badService(text), at: node)
            return nil
        }
        return text
    }

    mutating func absolutePath(
        _ key: String,
        in map: YAMLMapping?,
        default path: String
    ) throws(YAMLError) -> String? {
        guard let read = try read({ () throws(YAMLError) in try map?.optionalString(key) }) else {
            return nil
        }
        guard let text = read, let node = map?[key] else { return path }
        guard text.hasPrefix("/") else {
            note(.relativePath(key: key, path: text), at: node)
            return nil
        }
        return text
    }

    mutating func choice<Choice: RawRepresentable & CaseIterable>(
        _ key: String,
        in map: YAMLMapping?,
        default choice: Choice
    ) throws(YAMLError) -> Choice? where Choice.RawValue == String {
        guard let read = try read({ () throws(YAMLError) in try map?.optionalString(key) }) else {
            return nil
        }
        guard let text = read, let node = map?[key] else { return choice }
        guard let chosen = Choice(rawValue: text) else {
            let allowed = Choice.allCases.map(\.rawValue)
            note(.notOneOf(key: key, value: text, allowed: allowed), at: node)
            return nil
        }
        return chosen
    }

    /// An optional mapping of the document; unknown keys in it are noted.
    mutating func section(
        _ key: String,
        of map: YAMLMapping,
        keys: [String]
    ) throws(YAMLError) -> YAMLMapping? {
        guard let node = map[key] else { return nil }
        return try yaml.mapping(node, keys: keys, subject: "'\(key)'")
    }
}
