package import Settings
import Topology

/// The text of a draft, after the plan's own reader has gone through it.
package struct DraftFile: Sendable {
    package let text: String
    /// In the order of the file; each makes every command refuse the plan.
    package let questions: [String]
    package let remarks: [String]

    /// Whatever the reader would refuse is one question more: nothing that is written here comes as a surprise later.
    package init(_ draft: Draft) throws(YAMLError) {
        let writing = DraftText(draft: draft)
        let own = draft.questions
        let first = try Self.mistakes(writing.text(own), of: draft, isAsked: !own.isEmpty)
        // Lines that mistakes name are those of the text with as many questions.
        let second =
            first.isEmpty
            ? [] : try Self.mistakes(writing.text(own + first), of: draft, isAsked: !own.isEmpty)
        questions = own + (second.count == first.count ? second : first)
        text = writing.text(questions)
        remarks = draft.remarks
    }

    private static func mistakes(_ text: String, of draft: Draft, isAsked: Bool) throws(YAMLError) -> [String]
    {
        let document = try YAMLDocument(bytes: Array(text.utf8), file: draft.place.plan)
        do throws(PlanError) {
            _ = try PlanReader.read(document)
            return []
        } catch {
            switch error {
            case .unreadable(let error): throw error
            case .invalid(let problems):
                return problems.compactMap { problem in
                    isConsequence(problem.fault, isAsked)
                        ? nil : ForeignText.shown("what is right here? \(problem.fault)")
                }
            }
        }
    }

    /// Of a server that is missing it was asked already.
    private static func isConsequence(_ fault: PlanFault, _ isAsked: Bool) -> Bool {
        switch fault {
        case .openQuestion: true
        case .selection(let error):
            switch error {
            case .tooSmall, .even: isAsked
            case .repeatedID, .lowDestinationID, .notInDestination, .repeatedSeed, .tooFewSeeds,
                .outvotesSource, .moreThanMajority:
                false
            }
        case _: false
        }
    }
}
