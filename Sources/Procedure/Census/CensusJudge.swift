import ControlProtocol
import Fleet
import Settings
import Topology

/// Goes over one look, and gathers what is to be said.
struct CensusJudge {
    private let plan: MigrationPlan
    private let sighting: CensusSighting
    private let seats: ClientSeats
    private let brokersByAddress: [IPAddress: PlannedBroker]
    private let serversByAddress: [IPAddress: HostName]
    private let clientsByAddress: [IPAddress: PlannedClient]
    private let listed: [IPAddress: HostName]

    private(set) var holders: [Census.Holder] = []
    private(set) var clients: [Census.Client] = []
    private(set) var left: [String] = []
    private(set) var undecided: [String] = []
    private(set) var hints: [String] = []
    private(set) var notes: [String] = []
    private(set) var excused: [String] = []
    private(set) var newcomers: [String] = []
    private(set) var nodes = 0
    /// Whether everybody who was opened at the destination and is told by nobody finds a connection there.
    private var haveRoom = false

    init(_ plan: MigrationPlan, _ sighting: CensusSighting) {
        self.plan = plan
        self.sighting = sighting
        seats = ClientSeats(plan, sighting)
        var brokers: [IPAddress: PlannedBroker] = [:]
        for broker in plan.brokers {
            for address in Self.addresses(of: broker, sighting) { brokers[address] = broker }
        }
        brokersByAddress = brokers
        var clients: [IPAddress: PlannedClient] = [:]
        for client in plan.clients.all {
            for address in ClientPresence.addresses(of: client, sighting) where clients[address] == nil {
                clients[address] = client
            }
        }
        clientsByAddress = clients
        var servers: [IPAddress: HostName] = [:]
        for server in plan.servers {
            for address in server.allAddresses + [IPAddress(server.agentAddress)].compactMap({ $0 }) {
                servers[address] = server.host
            }
        }
        serversByAddress = servers
        listed = ClientName.listed(by: plan)
    }

    mutating func perform() {
        let gaps = (seats.gaps[.source] ?? []) + (seats.gaps[.destination] ?? [])
        undecided += gaps
        switch sighting.ensemble.ephemerals {
        case .silent(let reason): undecided.append("the trees that move cannot be read: \(reason)")
        case .found(let found): judge(found)
        }
        judgeClients()
    }

    func name(_ address: IPAddress) -> ClientName {
        if let reason = plan.census.reason(toIgnore: .address(address)) { return .ignored(reason: reason) }
        if let broker = brokersByAddress[address] { return .broker(broker.id, broker.host) }
        if let client = clientsByAddress[address] { return .client(client.name, client.host) }
        if let server = serversByAddress[address] { return .server(server) }
        if sighting.ensemble.own.contains(address) { return .coordinator }
        return listed[address].map { .listed($0) } ?? sighting.resolved[address].map { .resolved($0) }
            ?? .unknown
    }

    private static func addresses(of broker: PlannedBroker, _ sighting: CensusSighting) -> Set<IPAddress> {
        [broker.address, broker.agent.address].reduce(into: []) { found, name in
            found.formUnion(sighting.ensemble.addresses[name] ?? [])
            if let address = IPAddress(name) { found.insert(address) }
        }
    }
}

/// Sessions that own ephemeral nodes in what moves.
extension CensusJudge {
    private mutating func judge(_ found: TreeEphemerals) {
        nodes = found.nodes
        // A name that was mistyped holds nothing, which proves nothing.
        let wanted =
            plan.census.implied.count > 1 ? plan.census.declared + [KafkaTopNodes.brokers] : plan.census.trees
        let missing = found.missing.filter { wanted.contains($0) }
        if !missing.isEmpty {
            undecided.append("\(Census.list(missing)): there is no such node; correct 'trees' in the plan")
        }
        if !found.isWhole {
            undecided.append(
                "the trees that move have more nodes or owners than are looked at (\(found.nodes))"
            )
        }
        let closed = ClosedNodes(found, plan.census)
        undecided += closed.undecided
        excused += closed.excused
        let brokers = Dictionary(
            plan.brokers.compactMap { broker in
                found.named[plan.registration(of: broker)].map { ($0, broker) }
            }
        ) { first, _ in first }
        var isOpen = false
        let untold = found.owners.count { isUntold($0.session, brokers[$0.session]) }
        haveRoom = untold <= freeSeats(beside: brokers)
        for owner in found.owners {
            let holder = judge(owner, brokers[owner.session])
            holders.append(holder)
            let who = sentence(holder, brokers[owner.session])
            switch holder.place {
            case .destination: break
            case .source(let host):
                left.append("\(who) is at the source" + (host.map { " (\($0))" } ?? ""))
            case .undecided(let reason):
                undecided.append("\(who) \(reason)")
                isOpen = true
            case .ignored(let reason): excused.append("\(who) is ignored by the plan: \(reason)")
            }
        }
        if isOpen { tellWhoMayBeMeant() }
    }

    private func sentence(_ holder: Census.Holder, _ broker: PlannedBroker?) -> String {
        let more = holder.owner.count - holder.owner.paths.count
        let paths = holder.owner.paths.joined(separator: ", ") + (more > 0 ? " and \(more) more" : "")
        let place = holder.address.map { " at \($0)" } ?? ""
        let name = broker.map { ", \($0.name)," } ?? ""
        return "session \(holder.session)\(name)\(place), which owns \(paths),"
    }

    private func judge(_ owner: TreeEphemerals.Owner, _ broker: PlannedBroker?) -> Census.Holder {
        let (place, address) = place(of: owner.session, broker)
        let name = address.map { self.name($0) } ?? broker.map { .broker($0.id, $0.host) } ?? .unknown
        if let reason = plan.census.reason(toIgnore: .session(owner.session)) {
            return Census.Holder(owner: owner, place: .ignored(reason: reason), address: address, name: name)
        }
        if case .ignored(let reason) = name {
            return Census.Holder(owner: owner, place: .ignored(reason: reason), address: address, name: name)
        }
        return Census.Holder(owner: owner, place: place, address: address, name: name)
    }

    /// Where a session is, by the surest that is known of it.
    private func place(
        of session: SessionNumber,
        _ broker: PlannedBroker?
    ) -> (Census.Place, IPAddress?) {
        if let listed = seats.sessions[session], let first = listed.first {
            guard Set(listed.map(\.side)).count == 1 else {
                let hosts = listed.map { "\($0.host)" }.joined(separator: " and ")
                return (.undecided(reason: "is named by \(hosts) at the same time"), first.address)
            }
            return (first.side == .destination ? .destination : .source(first.host), first.address)
        }
        if let broker { return place(of: broker) }
        let sources = plan.source.map(\.host)
        let isListed = sources.allSatisfy { seats.listed.contains($0) }
        guard let origin = session.origin, plan.destination.contains(where: { $0.id == origin }) else {
            let opened =
                session.origin.map { id in
                    plan.source.contains { $0.id == id }
                        ? "was opened at source server \(id)"
                        : "was opened at server \(id), which is none of the plan's"
                } ?? "does not tell where it was opened"
            return (
                .undecided(
                    reason: isListed
                        ? "\(opened), and no server that tells has it now"
                        : "\(opened) and may still be there"
                ), nil
            )
        }
        if isListed { return (.destination, nil) }
        guard seats.gaps[.source] == nil, strangersAtSource.isEmpty || haveRoom else {
            return (
                .undecided(
                    reason:
                        "was opened at destination server \(origin); whether it is still there is not told, and fewer "
                        + "clients are connected to the destination than sessions were opened there"
                ), nil
            )
        }
        return (.destination, nil)
    }

    /// Whether nothing but its number says where it is.
    private func isUntold(_ session: SessionNumber, _ broker: PlannedBroker?) -> Bool {
        broker == nil && seats.sessions[session] == nil
            && session.origin.map { id in plan.destination.contains { $0.id == id } } == true
    }

    /// Connections with the destination that sessions may have which nobody tells: of whoever moves, known by the plan or not.
    ///
    /// - Parameter brokers: whose registration takes one, by its session.
    private func freeSeats(beside brokers: [SessionNumber: PlannedBroker]) -> Int {
        guard seats.gaps[.destination] == nil else { return 0 }
        // A server that tells its sessions has none of these.
        let free = seats.addresses.filter { !name($0).standsAside }
            .flatMap { seats.connections(of: $0, on: .destination) }
            .filter { !seats.listed.contains($0.host) }
            .reduce(0) { $0 + $1.count }
        let taken = brokers.count { session, broker in
            seats.sessions[session] == nil && place(of: broker).0 == .destination
        }
        return max(0, free - taken)
    }

    private func place(of broker: PlannedBroker) -> (Census.Place, IPAddress?) {
        let addresses = Self.addresses(of: broker, sighting).sorted()
        let atSource = addresses.filter { seats.isConnected($0, to: .source) }
        let atDestination = addresses.filter { seats.isConnected($0, to: .destination) }
        switch (atSource.first, atDestination.first) {
        case (let address?, nil):
            return (.source(seats.connections(of: address, on: .source).first?.host), address)
        case (nil, let address?):
            guard seats.gaps[.source] == nil else {
                return (.undecided(reason: "may have connections to the source, which is not known"), address)
            }
            return (.destination, address)
        case (let address?, .some): return (.undecided(reason: "has connections to both sides"), address)
        case (nil, nil): return (.undecided(reason: "has no connection to any server that is known"), nil)
        }
    }

    /// Addresses that are connected to the source and may be anybody's who is to move, in order.
    private var strangersAtSource: [IPAddress] {
        seats.addresses.filter { seats.isConnected($0, to: .source) && !name($0).mayStay }
    }

    private mutating func tellWhoMayBeMeant() {
        let strangers = strangersAtSource.map { "\($0)\(name($0).inBrackets) (\(hosts($0, .source)))" }
        if !strangers.isEmpty {
            hints.append(
                "connected to the source and not known by the plan: " + Census.list(strangers, most: 10)
            )
        }
        let silent = plan.source.compactMap { server in
            seats.unlisted[server.host].map { "\(server.host): \($0)" }
        }
        if let first = silent.first {
            hints.append(
                "which session is at which address is not told by \(silent.count) of \(plan.source.count) source servers "
                    + "(\(first)); with 'cons' in 4lw.commands.whitelist it is"
            )
        }
    }
}

/// Hosts that are connected.
extension CensusJudge {
    private mutating func judgeClients() {
        for address in seats.addresses {
            let name = self.name(address)
            for side in [EnsembleSide.source, .destination] {
                clients += seats.connections(of: address, on: side).map { host, count in
                    client(address, name, host, side, count)
                }
            }
            guard seats.isConnected(address, to: .destination) else {
                if case .client = name {
                    left.append("\(name), at \(address), is at the source (\(hosts(address, .source)))")
                }
                continue
            }
            if !name.isKnown {
                newcomers.append("\(address)\(name.inBrackets) (\(hosts(address, .destination)))")
            }
            guard seats.isConnected(address, to: .source), !name.standsAside, !isExcused(address) else {
                continue
            }
            left.append(
                "\(address) (\(name)) is connected to the source (\(hosts(address, .source))) and to the destination "
                    + "(\(hosts(address, .destination)))"
            )
        }
        if !newcomers.isEmpty {
            notes.append(
                "connected to the destination and not known by the plan: " + Census.list(newcomers, most: 10)
            )
        }
    }

    private func client(
        _ address: IPAddress,
        _ name: ClientName,
        _ host: HostName,
        _ side: EnsembleSide,
        _ count: Int
    ) -> Census.Client {
        let told = seats.sessions(at: address, on: host)
        let owners = holders.filter { holder in
            guard holder.address == address else { return false }
            if told.contains(holder.session) { return true }
            // Of a broker it is known without a list.
            guard seats.sessions[holder.session] == nil else { return false }
            switch holder.place {
            case .destination: return side == .destination
            case .source: return side == .source
            case .undecided, .ignored: return false
            }
        }
        return Census.Client(
            address: address,
            name: name,
            host: host,
            side: side,
            connections: count,
            sessions: seats.tells(host) ? told : nil,
            ephemerals: owners.reduce(0) { $0 + $1.owner.count }
        )
    }

    /// Whether all that it has at the source are sessions that the plan ignores.
    private func isExcused(_ address: IPAddress) -> Bool {
        seats.connections(of: address, on: .source).allSatisfy { host, count in
            let told = seats.sessions(at: address, on: host)
            return seats.listed.contains(host) && told.count == count
                && told.allSatisfy { plan.census.reason(toIgnore: .session($0)) != nil }
        }
    }

    private func hosts(_ address: IPAddress, _ side: EnsembleSide) -> String {
        seats.connections(of: address, on: side).map { "\($0.host): \($0.count)" }.joined(separator: ", ")
    }
}
