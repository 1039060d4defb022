import ControlProtocol
import Topology

/// What must hold between the servers of a plan.
extension PlanNotes {
    mutating func checkTogether(_ servers: [ReadServer]) {
        checkIDs(servers)
        checkHosts(servers)
        checkAddresses(servers)
        checkPorts(servers)
    }

    private mutating func checkIDs(_ servers: [ReadServer]) {
        var lines: [ServerID: Int] = [:]
        let highest = servers.filter { $0.side == .source }.map(\.server.id).max()
        for read in servers {
            let (id, place) = (read.server.id, read.position(of: "id"))
            if let firstLine = lines[id] {
                note(.duplicateID(id, firstLine: firstLine), at: place)
                continue
            }
            lines[id] = place.line
            if read.side == .destination, let highest, id < highest {
                note(.selection(.lowDestinationID(id, highestSource: highest)), at: place)
            }
        }
    }

    private mutating func checkHosts(_ servers: [ReadServer]) {
        var first: [HostName: (side: EnsembleSide, line: Int)] = [:]
        for read in servers {
            let (host, place) = (read.server.host, read.position(of: "host"))
            guard let other = first[host] else {
                first[host] = (read.side, place.line)
                continue
            }
            let fault: PlanFault =
                other.side == read.side
                ? .duplicateHost(host, firstLine: other.line) : .hostOnBothSides(host, firstLine: other.line)
            note(fault, at: place)
        }
    }

    private mutating func checkAddresses(_ servers: [ReadServer]) {
        var owners: [String: PlannedServer] = [:]
        for read in servers {
            // A host that stands twice was noted already.
            let server = read.server
            let texts = Set([server.address.lowercased()] + server.allAddresses.map(\.description))
            for text in texts.sorted() {
                guard let owner = owners[text] else {
                    owners[text] = server
                    continue
                }
                guard owner.host != server.host else { continue }
                note(
                    .duplicateAddress(text, host: owner.host, firstLine: owner.line),
                    at: read.position(of: read.server.address.lowercased() == text ? "address" : "addresses")
                )
            }
        }
    }

    private mutating func checkPorts(_ servers: [ReadServer]) {
        let walled = Set(servers.flatMap { [$0.server.quorumPort, $0.server.electionPort] })
        for read in servers {
            let server = read.server
            let ports = [server.clientPort, server.quorumPort, server.electionPort, server.agentPort]
            if let twice = ports.first(where: { port in ports.count { $0 == port } > 1 }) {
                note(.portUsedTwice(twice, host: server.host), at: read.node.node)
            } else if walled.contains(server.agentPort) {
                note(.agentPortBehindWall(server.agentPort, host: server.host), at: read.node.node)
            }
        }
    }
}
