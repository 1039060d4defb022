import ControlProtocol

/// A program of the operator's own that says whether what uses the ensembles still does; it is run on the coordinator's machine.
package struct PlannedTest: Hashable, Sendable {
    /// Where in a run; never between the detaching of the first node and the destination's leader.
    package enum Moment: String, Hashable, Sendable, CaseIterable {
        /// Before the first change.
        case before
        /// When the joint ensemble serves, and again right before the division's question.
        case joint
        /// When the division is proven, while the walls stand.
        case divided
        /// At the end.
        case after
        /// In a rehearsal only, against its example set-up; a run knows nothing of it.
        case rehearse
    }

    package let name: String
    /// The program and its arguments; no shell reads them.
    package let command: [String]
    package let limit: Duration
    package let moments: [Moment]
    /// Where it stands in the plan file.
    package let line: Int
}

extension PlanNotes {
    private static var mostTests: Int { 20 }
    private static var mostWords: Int { 100 }

    mutating func tests(_ root: YAMLMapping) throws(YAMLError) -> [PlannedTest] {
        let items = try read { () throws(YAMLError) in try root.optionalItems("tests") }
        guard let items = items ?? nil else { return [] }
        if items.count > Self.mostTests, let node = root["tests"] {
            note(.tooMany(key: "tests", most: Self.mostTests), at: node)
            return []
        }
        var tests: [PlannedTest] = []
        for item in items {
            guard let test = try test(item) else { continue }
            if let other = tests.first(where: { $0.name == test.name }) {
                note(.repeatedTest(test.name, firstLine: other.line), at: item)
            }
            tests.append(test)
        }
        return tests
    }

    private mutating func test(_ item: YAMLNode) throws(YAMLError) -> PlannedTest? {
        guard
            let map = try yaml.mapping(
                item,
                keys: ["name", "run", "seconds", "when"],
                subject: "each item of 'tests'"
            )
        else { return nil }
        let name = try read { () throws(YAMLError) in try map.string("name") }
        let command = try read { () throws(YAMLError) in try map.strings("run") }
        let seconds = try read { () throws(YAMLError) in
            try map.optionalInteger("seconds", in: 1...86_400)
        }
        let moments = try moments(map)
        if let name, HostName(name) == nil {
            note(.badName(key: "name", value: String(name.prefix(80))), at: map["name"] ?? map.node)
        }
        if let command, let node = map["run"] {
            if command.isEmpty || command.contains(where: { $0.utf8.contains(0) }) || command.first == "" {
                note(.testWithoutProgram, at: node)
            }
            if command.count > Self.mostWords { note(.tooMany(key: "run", most: Self.mostWords), at: node) }
            if let program = command.first, program.contains("/"), !program.hasPrefix("/") {
                note(.relativeProgram(program), at: node)
            }
        }
        guard let name, let command, let seconds, let moments else { return nil }
        return PlannedTest(
            name: name,
            command: command,
            limit: .seconds(seconds ?? 300),
            moments: moments,
            line: map.line
        )
    }

    private mutating func moments(_ map: YAMLMapping) throws(YAMLError) -> [PlannedTest.Moment]? {
        guard let words = try read({ () throws(YAMLError) in try map.strings("when") }) else { return nil }
        let place = map["when"] ?? map.node
        if words.isEmpty { note(.testNeverRun, at: place) }
        var moments: [PlannedTest.Moment] = []
        for word in words {
            guard let moment = PlannedTest.Moment(rawValue: word) else {
                let allowed = PlannedTest.Moment.allCases.map(\.rawValue)
                note(.notOneOf(key: "when", value: word, allowed: allowed), at: place)
                continue
            }
            if !moments.contains(moment) { moments.append(moment) }
        }
        return moments
    }
}
