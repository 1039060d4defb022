package import ControlProtocol

/// Hosts asked at once unless a caller says otherwise: a handshake costs CPU on this side.
///
/// *Measured*: with about so many connections being made a fleet of a thousand is asked fastest.
package let mostHostsAtOnce = 128

/// Asks many hosts, each its own question, `width` of them at a time; the answers come in the order of the questions.
///
/// The one way in which this program turns to many hosts. The next one is asked as soon as any other has answered, so
/// that a slow host holds up nobody. Cancellation reaches every question under way; those not yet asked are asked all the
/// same, in a cancelled task, so that each has its answer.
package func mapHosts<Question: Sendable, Value: Sendable>(
    _ questions: [Question],
    width: Int = mostHostsAtOnce,
    _ ask: @escaping @Sendable (Question) async -> Value
) async -> [Value] {
    var answers = [Value?](repeating: nil, count: questions.count)
    await askHosts(questions, width: width, ask) { answers[$0] = $1 }
    return answers.compactMap(\.self)
}

/// The same, but each answer is handed over as soon as it comes, with the number of its question, and is not kept.
package func askHosts<Question: Sendable, Value: Sendable>(
    _ questions: [Question],
    width: Int = mostHostsAtOnce,
    _ ask: @escaping @Sendable (Question) async -> Value,
    arrived: (Int, Value) -> Void
) async {
    await withTaskGroup(of: Numbered<Value>.self) { group in
        for (number, question) in questions.enumerated() {
            if number >= max(1, width), let answer = await group.next() {
                arrived(answer.number, answer.value)
            }
            group.addTask {
                // Not a tuple: the optimiser of 6.3.1 loses what a child task's tuple begins with when a throwing call
                // follows.
                let value = await ask(question)
                return Numbered(number: number, value: value)
            }
        }
        for await answer in group { arrived(answer.number, answer.value) }
    }
}

/// The same by host, where a question may fail.
package func mapHosts<Question: Sendable, Value: Sendable>(
    _ questions: [HostName: Question],
    width: Int = mostHostsAtOnce,
    _ ask: @escaping @Sendable (HostName, Question) async throws(FleetError) -> Value
) async -> [HostName: Result<Value, FleetError>] {
    let asked = Array(questions)
    let answers = await mapHosts(asked, width: width) { question -> Result<Value, FleetError> in
        do throws(FleetError) {
            return .success(try await ask(question.key, question.value))
        } catch {
            return .failure(error)
        }
    }
    return Dictionary(uniqueKeysWithValues: zip(asked.map(\.key), answers))
}

private struct Numbered<Value: Sendable>: Sendable {
    let number: Int
    let value: Value
}
