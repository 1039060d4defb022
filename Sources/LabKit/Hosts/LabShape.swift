/// What a lab takes over from the set-up that it stands for; a lab of its own has none.
package struct LabShape: Codable, Sendable, Hashable {
    package enum Scope: String, Codable, Sendable, Hashable {
        case quorumPorts = "quorum-ports"
        case allTCP = "all-tcp"
    }

    /// All in seconds.
    package struct Deadlines: Codable, Sendable, Hashable {
        package let join: Int
        package let restart: Int
        package let division: Int
    }

    /// The plan's name.
    package let plan: String
    /// Of ZooKeeper, in the order of the hosts.
    package let sourceIDs: [Int]
    package let destinationIDs: [Int]
    /// Ids of the destination's.
    package let seeds: [Int]
    package let brokerIDs: [Int]
    /// Empty when the brokers have none.
    package let chroot: String
    package let applications: [LabApplication.Kind]
    /// Lines of zoo.cfg by the lab's host, in place of the lab's own.
    package let settings: [String: [String]]
    package let scope: Scope
    package let deadlines: Deadlines
}

extension LabConfiguration {
    package var chroot: String { shape?.chroot ?? KafkaServer.chroot }

    /// Why the shape is none of so many hosts.
    static func objection(to shape: LabShape, sources: Int, destinations: Int, brokers: Int) -> String? {
        let ids = shape.sourceIDs + shape.destinationIDs
        guard shape.sourceIDs.count == sources, shape.destinationIDs.count == destinations,
            shape.brokerIDs.count >= brokers
        else { return "the shape has other numbers of hosts than the lab" }
        guard Set(ids).count == ids.count, ids.allSatisfy({ (1...255).contains($0) }) else {
            return "each server has an id of its own, from 1 to 255"
        }
        guard !shape.seeds.isEmpty, Set(shape.seeds).isSubset(of: shape.destinationIDs) else {
            return "seeds are servers of the destination"
        }
        return nil
    }
}
