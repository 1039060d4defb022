import LabKit

/// One agent, asked by curl from the control host.
struct Curl {
    struct Answer: CustomStringConvertible {
        let code: String
        let body: String
        let errors: String

        var description: String { "\(code) \(body.prefix(300)) \(errors)" }
    }

    let lab: Lab
    let url: String
    let authority: String
    var resolve: String?

    func get(_ path: String, as certificate: String?) async throws -> Answer {
        try await ask(path, certificate, [])
    }

    func post(_ path: String, _ body: String, as certificate: String?) async throws -> Answer {
        try await ask(path, certificate, ["--data", body, "-H", "Content-Type: application/json"])
    }

    func delete(_ path: String, _ body: String, as certificate: String?) async throws -> Answer {
        let more = ["--request", "DELETE", "--data", body, "-H", "Content-Type: application/json"]
        return try await ask(path, certificate, more)
    }

    private func ask(_ path: String, _ certificate: String?, _ more: [String]) async throws -> Answer {
        var argv = ["/usr/bin/curl", "--silent", "--show-error", "--max-time", "10", "--cacert", authority]
        argv += certificate.map { ["--cert", $0 + ".pem", "--key", $0 + ".key"] } ?? []
        argv += resolve.map { ["--resolve", $0] } ?? []
        argv += more + ["--write-out", "\n%{http_code}", url + path]
        let outcome = try await lab.run(argv, on: lab.configuration.control)
        let lines = outcome.output.split(separator: "\n", omittingEmptySubsequences: false)
        return Answer(
            code: lines.last.map(String.init) ?? "",
            body: lines.dropLast().joined(separator: "\n"),
            errors: outcome.errors
        )
    }
}
