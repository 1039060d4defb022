/// The plan's `questions`: what `mitosis init` could not know.
extension PlanNotes {
    private static var mostQuestions: Int { 1000 }

    /// Each is a mistake at its own line: a plan is used when none is left.
    mutating func questions(_ root: YAMLMapping) throws(YAMLError) {
        let items = try read { () throws(YAMLError) in try root.optionalItems("questions") }
        guard let items = items ?? nil, let node = root["questions"] else { return }
        guard items.count <= Self.mostQuestions else {
            note(.tooMany(key: "questions", most: Self.mostQuestions), at: node)
            return
        }
        for item in items {
            let text = try read { () throws(YAMLError) in
                try item.string(subject: "each item of 'questions'")
            }
            guard let text else { continue }
            note(.openQuestion(text), at: item)
        }
    }
}
