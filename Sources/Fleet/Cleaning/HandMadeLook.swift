package import ControlProtocol
import SystemCalls

/// What is known of the rules that somebody made by hand on one host.
package enum HandMadeAnswer: Hashable, Sendable {
    case read(HandMadeReport)
    /// It did not answer, or refused to.
    case unknown(reason: String)
}

extension Fleet {
    /// Looks for them on many hosts, each handed over as it comes and then hung up on; changes nothing, and takes no lease.
    ///
    /// - Parameter limit: how long one host may take, whatever its agent sends meanwhile.
    package func look(
        for request: HandMadeRequest,
        at hosts: [HostName],
        within limit: Duration = .seconds(120),
        arrived: (HostName, HandMadeAnswer) -> Void
    ) async {
        await askHosts(hosts) { host -> HandMadeAnswer in
            let answer = await Deadline.cancelling(after: limit) { await look(for: request, at: host) }
            await hangUp(host)
            return answer ?? .unknown(reason: "no whole answer within \(limit)")
        } arrived: { number, answer in
            arrived(hosts[number], answer)
        }
    }

    private func look(for request: HandMadeRequest, at host: HostName) async -> HandMadeAnswer {
        do throws(FleetError) {
            return .read(try await handMade(request, on: host))
        } catch {
            return .unknown(reason: error.reason)
        }
    }
}
