/// The version of both programs, which are built and shipped together.
package enum ProgramVersion {
    package static let current = "0.1.0"

    /// What `--version` prints: programs work together when their protocols are the same.
    package static func line(of program: String) -> String {
        "\(program) \(current) (protocol \(ControlProtocolVersion.current))"
    }
}

/// What the programs say to each other; raised when one of them would misunderstand the other.
package enum ControlProtocolVersion {
    package static let current = 2
}
