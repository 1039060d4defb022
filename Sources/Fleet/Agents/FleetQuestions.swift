package import ControlProtocol
import SystemCalls
package import Topology

/// Questions to many hosts at once, each host its own; what a host fails with is part of the answer.
extension Fleet {
    /// What one host's agent sees, or why it does not tell; within `limit`, whatever the agent sends meanwhile.
    package func look(at host: HostName, within limit: Duration = .seconds(30)) async -> Observation {
        let seen = await Deadline.cancelling(after: limit) { await observe([host])[host] }
        switch seen {
        case .some(.some(.status(let status))): return .status(status)
        case .some(.some(.silent(let reason))): return .silent(reason: host.leftOut(of: reason))
        case .some(.none): return .silent(reason: "it was not asked")
        case .none: return .silent(reason: "no whole answer within \(limit)")
        }
    }

    /// The same of many, each handed over as it comes and then hung up on: nothing is kept of a host that was told.
    package func look(at hosts: [HostName], arrived: (HostName, Observation) -> Void) async {
        await askHosts(hosts) { host -> Observation in
            let seen = await look(at: host)
            await hangUp(host)
            return seen
        } arrived: { number, seen in
            arrived(hosts[number], seen)
        }
    }

    /// What each host's backend would make of its walls.
    package func previews(of walls: [HostName: [Wall]]) async -> [HostName: [Wall: PreviewAnswer]] {
        let asked = Array(walls)
        let answers = await mapHosts(asked) { question in
            var answers: [Wall: PreviewAnswer] = [:]
            for wall in question.value { answers[wall] = await preview(of: wall, on: question.key) }
            return answers
        }
        return Dictionary(uniqueKeysWithValues: zip(asked.map(\.key), answers))
    }

    private func preview(of wall: Wall, on host: HostName) async -> PreviewAnswer {
        do throws(FleetError) {
            return .accepted(try await preview(wall, on: host))
        } catch {
            return .failed(error)
        }
    }

    /// What each host's server holds of the transactions that it is asked for.
    package func histories(of questions: [HostName: [Zxid]]) async -> [HostName: HistoryAnswer] {
        let answers = await mapHosts(questions.filter { !$0.value.isEmpty }) {
            host,
            zxids throws(FleetError) in
            try await history(of: zxids, on: host)
        }
        return answers.mapValues { answer in
            switch answer {
            case .success(let presence): .found(presence)
            case .failure(let error): .silent(reason: "\(error)")
            }
        }
    }

    /// Who is connected to each host's ZooKeeper, and with which session where its server tells.
    package func clients(of hosts: [HostName]) async -> [HostName: ClientsAnswer] {
        let answers = await mapHosts(hosts) { host in await clients(of: host) }
        return Dictionary(zip(hosts, answers)) { first, _ in first }
    }

    private func clients(of host: HostName) async -> ClientsAnswer {
        do throws(FleetError) {
            return try await clients(ClientsRequest(), on: host).map { .told($0) } ?? .tooOld
        } catch {
            return .silent(reason: error.reason)
        }
    }

    /// The same, each within `limit`.
    package func clients(of hosts: [HostName], within limit: Duration) async -> [HostName: ClientsAnswer] {
        let answers = await mapHosts(hosts) { host in
            await Deadline.cancelling(after: limit) { await clients(of: host) }
                ?? .silent(reason: "no whole answer within \(limit)")
        }
        return Dictionary(zip(hosts, answers)) { first, _ in first }
    }

    /// What each host's ZooKeeper has logged of writes into some trees, each within `limit`.
    package func writes(
        _ questions: [HostName: WritesRequest],
        within limit: Duration
    ) async -> [HostName: WritesAnswer] {
        let asked = Array(questions)
        let answers = await mapHosts(asked) { question in
            await Deadline.cancelling(after: limit) { await writes(question.value, of: question.key) }
                ?? .silent(reason: "no whole answer within \(limit)")
        }
        return Dictionary(uniqueKeysWithValues: zip(asked.map(\.key), answers))
    }

    private func writes(_ request: WritesRequest, of host: HostName) async -> WritesAnswer {
        do throws(FleetError) {
            return try await writes(request, on: host).map { .told($0) } ?? .tooOld
        } catch {
            return .silent(reason: error.reason)
        }
    }

    /// What each host's attempts came to.
    package func probes(of questions: [HostName: [ProbeTarget]]) async -> [HostName: ProbeAnswer] {
        let asked = questions.filter { !$0.value.isEmpty }.map { (host: $0.key, targets: $0.value) }
        let answers = await mapHosts(asked) { question in
            await probes(of: question.targets, from: question.host)
        }
        return Dictionary(uniqueKeysWithValues: zip(asked.map(\.host), answers))
    }

    /// An agent refuses a whole request for one address that it does not know; the others are then asked for one by one.
    private func probes(of targets: [ProbeTarget], from host: HostName) async -> ProbeAnswer {
        do throws(FleetError) {
            return ProbeAnswer(results: try await probe(targets, from: host))
        } catch {
            let addresses = Set(targets.map(\.address)).sorted()
            guard case .refused = error, addresses.count > 1 else { return ProbeAnswer(error: error) }
            var results: [ProbeResult] = []
            for address in addresses {
                results += await probes(of: targets.filter { $0.address == address }, from: host).results
            }
            return ProbeAnswer(results: results, error: error)
        }
    }
}
