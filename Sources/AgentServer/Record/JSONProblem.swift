import ControlProtocol

/// Says in one line where a JSON text is not what it should be.
enum JSONProblem {
    static func describe(_ error: any Error) -> String { WireJSON.describe(error) }
}
