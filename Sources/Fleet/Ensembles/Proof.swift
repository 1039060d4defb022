package import Settings
package import Topology

/// What shall be proven of ensembles: by using or reading each server by itself, or by what the operator has for that.
package enum ProofQuestion: Hashable, Sendable {
    /// Whether each of these servers serves as clients use it, and all of them the same ensemble.
    ///
    /// - root: the node that holds the test's nodes, gone afterwards.
    case smokeTest(servers: [PlannedServer], root: String)
    case comparison(TreeQuestion)
    /// Whether a program of the operator's own ends well.
    ///
    /// - moment: where in the run, as the program is told.
    case test(PlannedTest, moment: PlannedTest.Moment)
}

/// Whether the destination holds what the source had when the two were divided, on every server.
package struct TreeQuestion: Hashable, Sendable {
    package let source: [PlannedServer]
    package let destination: [PlannedServer]
    package let path: String
    /// Left out, with all below.
    package let except: [String]
    /// Nodes of each server in a second, at most.
    package let rate: Int
    /// The last transaction before the division; nil when nobody knows it.
    package let split: Zxid?

    package init(
        source: [PlannedServer],
        destination: [PlannedServer],
        path: String,
        except: [String],
        rate: Int,
        split: Zxid?
    ) {
        self.source = source
        self.destination = destination
        self.path = path
        self.except = except
        self.rate = rate
        self.split = split
    }
}

/// What became of a proof.
package struct ProofAnswer: Hashable, Sendable, Codable {
    package enum Result: String, Hashable, Sendable, Codable {
        case proven
        /// Nothing speaks against it, and some nodes cannot be judged.
        case partly
        /// It is not as it must be.
        case refuted
        /// A server could not be asked: nothing is known.
        case open
    }

    package let result: Result
    /// On one line.
    package let summary: String
    /// What is wrong, or was not judged, one a line; the first of them.
    package let details: [String]
    /// Milliseconds of each server's slowest answer, by its name; nil where none were measured.
    package let latencies: [String: Int]?
    /// What a program printed, bounded and fit for a terminal; the journal keeps it apart, for it may be long.
    package let output: String?

    private enum CodingKeys: String, CodingKey {
        case result, summary, details, latencies
    }

    package init(
        _ result: Result,
        _ summary: String,
        details: [String] = [],
        latencies: [String: Int]? = nil,
        output: String? = nil
    ) {
        self.result = result
        self.summary = summary
        self.details = details
        self.latencies = latencies
        self.output = output
    }

    package init(from decoder: any Decoder) throws {
        let values = try decoder.container(keyedBy: CodingKeys.self)
        result = try values.decode(Result.self, forKey: .result)
        summary = try values.decode(String.self, forKey: .summary)
        details = try values.decode([String].self, forKey: .details)
        // Journals of earlier versions lack them.
        latencies = try values.decodeIfPresent([String: Int].self, forKey: .latencies)
        output = nil
    }

    /// All of it, a line each.
    package var text: String { ([summary] + details).joined(separator: "\n") }
}
