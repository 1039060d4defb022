import ControlProtocol
import Settings
import Topology

extension Check {
    /// A client cannot see of what kind a node is (`ephemeralOwner` is 0 for TTL and container nodes), so settings are compared, and no
    /// node is looked at.
    package static func readableData(_ subject: SurveyedPlan) -> Check {
        Check(
            .readableData,
            "the destination keeps every kind of node, and judges every kind of ACL, that the source's settings allow",
            remedy:
                "Put the source's line, or what its -D sets, into the destination's zoo.cfg (what -D alone sets is not seen while a "
                + "server does not run), or waive it if no node needs it",
            looking: subject.parsing
        ) { fleet, _ in
            var remarks = Remarks()
            subject.remarkReadableData(fleet, &remarks)
            return remarks.verdict(
                "no setting of the source's allows what the destination lacks; no node was looked at"
            )
        }
    }
}

extension SurveyedPlan {
    func remarkReadableData(_ fleet: FleetView, _ remarks: inout Remarks) {
        remarkNodeKinds(fleet, &remarks)
        remarkAccess(fleet, &remarks)
    }

    /// *Tried* with 3.8.0: a server that starts without `extendedTypesEnabled` takes a TTL node for the ephemeral node of a session that
    /// has ended, and deletes it.
    fileprivate func remarkNodeKinds(_ fleet: FleetView, _ remarks: inout Remarks) {
        let settings = [
            ("extendedTypesEnabled", "TTL nodes would be deleted when it starts"),
            ("emulate353TTLNodes", "TTL nodes of 3.5.3 would be deleted when it starts"),
        ]
        for (key, harm) in settings {
            guard let source = plan.source.first(where: { allows(key, $0, fleet) }) else { continue }
            for server in plan.destination where !has(key, server, fleet) {
                remarks.refuse("\(server.host): \(key) is not true, as on \(source.host): \(harm)")
            }
            for (host, version) in destinations(fleet) where version < ZooKeeperVersion(3, 5, 4) {
                remarks.refuse(
                    "\(host): ZooKeeper \(version) does not know the TTL nodes that \(source.host) allows"
                )
            }
        }
        let writesContainers = plan.source.contains {
            fleet.version(of: $0.host).map { $0 >= ZooKeeperVersion(3, 5, 1) } ?? false
        }
        for (host, version) in destinations(fleet)
        where writesContainers && version < ZooKeeperVersion(3, 5, 1) {
            remarks.refuse(
                "\(host): ZooKeeper \(version) does not know container nodes, which the source's does"
            )
        }
    }

    /// An ACL whose scheme a server has no provider for gives nobody access; digests of another algorithm match nothing.
    fileprivate func remarkAccess(_ fleet: FleetView, _ remarks: inout Remarks) {
        let source = plan.source.compactMap { server in
            access(of: server, fleet).map { (server.host, $0.providers, $0.algorithm) }
        }
        for server in plan.destination {
            guard let own = access(of: server, fleet) else { continue }
            for (host, providers, algorithm) in source {
                for provider in providers.subtracting(own.providers).sorted() {
                    remarks.refuse(
                        "\(server.host): no authProvider is \(provider), as on \(host): ACLs of its scheme would let nobody in"
                    )
                }
                if algorithm != own.algorithm {
                    remarks.refuse(
                        "\(server.host): \(Self.algorithmKey) is not that of \(host): digest ACLs would match nobody"
                    )
                }
            }
        }
    }

    private static let algorithmKey = "DigestAuthenticationProvider.digestAlg"

    /// By the file, which sets system properties as it is read, and by those that the running process was started with.
    ///
    /// Nil for a file that another check refuses.
    private func access(of server: PlannedServer, _ fleet: FleetView)
        -> (providers: Set<String>, algorithm: String)?
    {
        guard let file = configuration(of: server) else { return nil }
        let properties = fleet.zookeeper(server.host)?.javaProperties ?? [:]
        let started = properties.filter { name, _ in
            name.hasPrefix(ToldProperties.authProvider)
                && file[String(name.dropFirst("zookeeper.".utf8.count))] == nil
        }
        return (
            file.authProviders.union(started.values),
            file[Self.algorithmKey] ?? properties[ToldProperties.digestAlgorithm] ?? "SHA1"
        )
    }

    private func destinations(_ fleet: FleetView) -> [(host: HostName, version: ZooKeeperVersion)] {
        plan.destination.compactMap { server in fleet.version(of: server.host).map { (server.host, $0) } }
    }

    /// By the file, with or without the prefix, or by the running process.
    private func allows(_ key: String, _ server: PlannedServer, _ fleet: FleetView) -> Bool {
        has(key, server, fleet) || configuration(of: server)?["zookeeper." + key]?.lowercased() == "true"
    }

    private func has(_ key: String, _ server: PlannedServer, _ fleet: FleetView) -> Bool {
        configuration(of: server)?[key]?.lowercased() == "true"
            || fleet.zookeeper(server.host)?.javaProperties?["zookeeper." + key]?.lowercased() == "true"
    }
}
