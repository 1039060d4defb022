import ControlProtocol
import Fleet
import FoundationEssentials
import Settings
import Topology

extension Check {
    /// What our own judgement of a file cannot know: what this very version accepts, and what its class path has.
    package static func serverParser(_ subject: SurveyedPlan) -> Check {
        Check(
            .serverParser,
            "every server's own parser accepts its zoo.cfg, as it is and as it will be rewritten",
            remedy:
                "Correct the file, or give the server what it names; where a parser was not asked, name the server's Java and class "
                + "path in the agent's zookeeper.java, or try the file yourself",
            looking: subject.parsing
        ) { fleet, _ in
            var remarks = Remarks()
            var versions: Set<ZooKeeperVersion> = []
            var count = 0
            for server in subject.plan.servers {
                let place = "\(server.host): \(server.configPath)"
                switch fleet.parsers[server.host] {
                // A silent agent is another check's finding, and so is a file that could not be read.
                case nil, .failure(.unreachable): continue
                case .failure(let error): remarks.warn("\(server.host): not asked: \(error.sentence)")
                case .success(let reply):
                    // Which file a process reads is another check's finding; of any other nothing can be asked.
                    if let now = fleet.zookeeper(server.host), now.configPath != server.configPath {
                        continue
                    }
                    if let obstacle = reply.obstacle {
                        remarks.warn("\(server.host): not asked: \(obstacle)")
                        continue
                    }
                    let version = fleet.parsedVersion(of: server.host)
                    count += 1
                    version.map { _ = versions.insert($0) }
                    guard let refusal = subject.refusal(of: server, in: reply, fleet) else { continue }
                    remarks.refuse("\(place): ZooKeeper \(version?.description ?? "") refuses it\(refusal)")
                }
            }
            let names = versions.sorted().map(\.description).joined(separator: ", ")
            return remarks.verdict(
                count == 0
                    ? "no server's own parser was asked"
                    : "\(count) servers' own parsers, of ZooKeeper \(names), accept them"
            )
        }
    }
}

extension SurveyedPlan {
    /// Every server's file as it is, and as it will be rewritten, put before its own parser.
    var parsing: Look {
        var look = Look(hosts: plan.servers.map(\.host))
        for server in plan.servers {
            guard let file = survey.file(of: server.host) else { continue }
            let grown = joint.servers.contains { $0.host == server.host } ? joint.rewritten(file) : nil
            look.files[server.host] = [file.content, grown].compactMap(\.self)
        }
        return look
    }

    /// What the parser says that is not told already; nil when there is nothing.
    ///
    /// Files of which `configuration-files` knows that no server starts with them, and a missing `myid`, are others' findings.
    fileprivate func refusal(of server: PlannedServer, in reply: ParserReply, _ fleet: FleetView) -> String? {
        guard let refusal = reply.refusals.first(where: { !$0.isEmpty }),
            let file = configuration(of: server), let zookeeper = fleet.zookeeper(server.host),
            file.startFaults(of: server.id, told: zookeeper.javaProperties ?? [:]).isEmpty,
            zookeeper.data.myid != nil
        else { return nil }
        return (reply.refusals.first == refusal ? ": " : " as it will be rewritten: ") + refusal
    }
}

extension FleetView {
    /// Of the ZooKeeper that a host would start, by what its parser's library says of itself.
    func parsedVersion(of host: HostName) -> ZooKeeperVersion? {
        guard case .success(let reply) = parsers[host] else { return nil }
        return reply.version.flatMap { ZooKeeperVersion($0.description) }
    }

    /// As the server says itself where it serves, else as it would start.
    func version(of host: HostName) -> ZooKeeperVersion? {
        zookeeper(host)?.version ?? parsedVersion(of: host)
    }
}
