package import ControlProtocol
package import Fleet

/// What is believed of what hosts say of a run's chain: the longest beginning that a majority of all of them keeps, byte for byte.
///
/// | a host's chain | it counts for | what is said of it |
/// |---|---|---|
/// | is what is believed | all of it | nothing |
/// | ends before | as far as it goes | behind |
/// | goes further | all of it | ahead: what it has more was not confirmed by a majority |
/// | is another from some entry on | all before that entry | differs there, and how |
/// | damaged, none, not told | nothing | why |
package struct ChainBelief: Hashable, Sendable {
    package enum Remark: Hashable, Sendable {
        case behind(count: Int)
        case ahead(count: Int)
        case differs(number: Int, says: String, believed: String)
        case worthless(reason: String)
    }

    /// Empty when nothing is believed.
    package let links: [ChainLink]
    /// Of hosts whose chain is not what is believed.
    package let remarks: [HostName: Remark]
    /// How many hosts it takes.
    package let majority: Int
    private let hosts: [HostName]

    /// - Parameter hosts: all of the plan's ZooKeeper hosts, also those that said nothing.
    package init(of hosts: [HostName], _ answers: [HostName: ChainAnswer]) {
        let chains = answers.filter { hosts.contains($0.key) }.mapValues(\.links)
        let majority = hosts.count / 2 + 1
        var believed: [ChainLink] = []
        var agreeing = Array(chains.values)
        while true {
            let number = believed.count
            let groups = Dictionary(grouping: agreeing.filter { $0.count > number }) { $0[number].digest }
            guard let group = groups.values.first(where: { $0.count >= majority }),
                let link = group.first?[number]
            else { break }
            believed.append(link)
            agreeing = group
        }
        self.hosts = hosts
        self.majority = majority
        links = believed
        remarks = hosts.reduce(into: [:]) { $0[$1] = Self.remark(answers[$1], believed) }
    }

    private static func remark(_ answer: ChainAnswer?, _ believed: [ChainLink]) -> Remark? {
        switch answer {
        case .held(let links):
            let pairs = zip(links, believed)
            if let (link, other) = pairs.first(where: { $0.digest != $1.digest }) {
                return .differs(number: link.number, says: words(link), believed: words(other))
            }
            if links.count == believed.count { return nil }
            return links.count < believed.count
                ? .behind(count: believed.count - links.count) : .ahead(count: links.count - believed.count)
        case .nothing: return .worthless(reason: "it keeps none")
        case .damaged(let reason): return .worthless(reason: reason)
        case .outdated: return .worthless(reason: "its agent is of a version that keeps no chains")
        case .silent(let reason): return .worthless(reason: "its agent does not tell: \(reason)")
        case nil: return .worthless(reason: "it was not asked")
        }
    }

    /// One printable line, whatever the host made up.
    private static func words(_ link: ChainLink) -> String {
        do throws(WireProblem) { return try ChainEntry.opened(WireText.printable(link.content)).words } catch
        {
            return "something that cannot be understood (\(link.content.count) bytes)"
        }
    }
}

extension ChainBelief {
    /// A line for each host whose chain is not what is believed, in their order.
    package var lines: [String] {
        hosts.compactMap { host in remarks[host].map { "\(host): \(text($0))" } }
    }

    private func text(_ remark: Remark) -> String {
        switch remark {
        case .behind(let count):
            "its chain ends \(count) \(count == 1 ? "entry" : "entries") before what is believed"
        case .ahead(let count):
            links.isEmpty
                ? "it keeps a chain of \(count) entries, which no majority keeps"
                : "its chain has \(count) more \(count == 1 ? "entry" : "entries"), which no majority keeps: not believed"
        case .differs(let number, let says, let believed):
            "DISAGREES from entry \(number) on: it says: \(says); the others: \(believed). Somebody may have changed what its agent keeps"
        case .worthless(let reason): "its chain counts for nothing: \(reason)"
        }
    }
}

extension ChainAnswer {
    fileprivate var links: [ChainLink] {
        switch self {
        case .held(let links): links
        case .nothing, .damaged, .outdated, .silent: []
        }
    }
}

extension ChainEntry {
    /// What it says, for a person.
    package var words: String {
        switch self {
        case .began(let run): "run \(run.run) of plan \(run.plan) (\(run.planDigest.prefix(12))) began"
        case .epoch(let number): "a coordinator took epoch \(number)"
        case .intent(let step, let attempt, let commands, _):
            "\(step), attempt \(attempt), was begun with \(commands.count) commands"
        case .verdict(let step, let attempt, .done, _): "\(step), attempt \(attempt), was done"
        case .verdict(let step, let attempt, .failed, _): "\(step), attempt \(attempt), failed"
        case .facts(let facts): "facts (\(facts.detached.count) nodes detached)"
        case .ended(let ending, _): "the run ended: \(ending.rawValue)"
        case .omitted(let bytes): "something too large to be kept (\(bytes) bytes)"
        }
    }
}
