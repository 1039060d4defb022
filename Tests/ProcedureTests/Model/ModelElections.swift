import ControlProtocol
import Settings
import Topology

/// Who follows whom, by the rules of ZooKeeper's FastLeaderElection: each node counts those whom the view of its own process knows.
///
/// So nodes of different views may elect different leaders beside each other, and a node may find nobody whom it may follow.
extension ModelEnsemble {
    func serves(_ name: HostName) -> Bool { leader(for: name) != nil }

    /// Whom a serving node follows; a leader stays while a majority of its own view does.
    func leader(for name: HostName) -> HostName? { isUp(name) ? leaders[name] : nil }

    /// To be called whenever who runs or who reaches whom has changed, before anything is committed.
    mutating func elect() {
        while dropLost() {}
        repeat { while join() {} } while electOne()
    }

    private func isUp(_ name: HostName) -> Bool {
        hosts[name].map { $0.pid != nil && !$0.isStalled } ?? false
    }

    private func reach(_ first: HostName, _ second: HostName) -> Bool {
        first == second || areWallsHollow || !isCut(first, second)
    }

    private func isQuorum(_ names: [HostName], for name: HostName) -> Bool {
        guard let view = hosts[name]?.view else { return false }
        return Ensemble(view).isQuorum(Set(names.compactMap { hosts[$0]?.server.id }))
    }

    /// Whether the view of its process has that node for a voter.
    private func knows(_ name: HostName, _ leader: HostName) -> Bool {
        guard let view = hosts[name]?.view, let id = hosts[leader]?.server.id else { return false }
        return Ensemble(view).voters.contains { $0.id == id }
    }

    private func followers(of leader: HostName, reachedBy name: HostName) -> [HostName] {
        leaders.filter { $0.value == leader && isUp($0.key) && reach(name, $0.key) }.map(\.key)
    }

    private mutating func dropLost() -> Bool {
        for (name, leader) in leaders.sorted(by: { $0.key < $1.key }) {
            let isHeld =
                name != leader || isQuorum(followers(of: name, reachedBy: name), for: name)
            if isHeld, isUp(name), isUp(leader), leaders[leader] == leader, reach(name, leader) { continue }
            leaders[name] = nil
            return true
        }
        return false
    }

    private var looking: [HostName] { hosts.keys.filter { isUp($0) && leaders[$0] == nil }.sorted() }

    /// A node follows whom a majority of its own view follows already.
    private mutating func join() -> Bool {
        let leading = Set(leaders.values).sorted()
        for name in looking {
            let leader = leading.first { leader in
                reach(name, leader) && knows(name, leader)
                    && isQuorum(followers(of: leader, reachedBy: name), for: name)
            }
            guard let leader else { continue }
            leaders[name] = leader
            follow(leader, name)
            return true
        }
        return false
    }

    /// Each votes for the freshest, then the highest id, of those whom it knows among those who are looking, and follows whom a majority of
    /// its own view has voted for.
    private mutating func electOne() -> Bool {
        let looking = looking
        let votes: [HostName: HostName] = Dictionary(
            uniqueKeysWithValues: looking.compactMap { name in
                looking.filter { reach(name, $0) && knows(name, $0) }.max { rank($0) < rank($1) }
                    .map { (name, $0) }
            }
        )
        for leader in Set(votes.values).sorted() {
            let voting = looking.filter { votes[$0] == leader }
            let following = voting.filter { name in
                isQuorum(voting.filter { reach(name, $0) }, for: name)
            }
            guard following.contains(leader), isQuorum(following, for: leader) else { continue }
            for name in [leader] + following.filter({ $0 != leader }) {
                leaders[name] = leader
                follow(leader, name)
            }
            return true
        }
        return false
    }

    private func rank(_ name: HostName) -> (Int, Zxid, ServerID) {
        let host = hosts[name]
        return (
            name == forcedLeader ? 1 : 0, host?.memory ?? Zxid(0), host?.server.id ?? plan.source[0].id
        )
    }
}
