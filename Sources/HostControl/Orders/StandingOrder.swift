package import ControlProtocol
package import SystemCalls
package import Topology

/// What a host must hold to until its coordinator takes it back: its wall, and which services may not start.
///
/// docs/division.md has its life. Later formats have a higher number; one that is not known holds everything back.
package struct StandingOrder: Hashable, Sendable, Codable {
    package static let format = 1

    package struct Held: Hashable, Sendable, Codable {
        package let service: String
        /// Nil where no systemd starts it.
        package let unit: String?
        /// The process that was about to be ended; as long as it runs, the service was never stopped.
        package let ending: ProcessIdentity?

        package init(service: String, unit: String?, ending: ProcessIdentity? = nil) {
            self.service = service
            self.unit = unit
            self.ending = ending
        }

        /// Whether the process that was about to be ended still runs.
        package var isAlive: Bool { ending.map { ProcessIdentity(pid: $0.pid) == $0 } ?? false }
    }

    package let format: Int
    package let run: RunID
    /// Unix milliseconds.
    package let since: Int64
    package let wall: Wall
    package let backend: FirewallBackend
    package let protectedPorts: [Port]
    package var held: [Held]
    /// Nil for one that was never to lapse.
    package var lapse: Lapse?

    package init(
        run: RunID,
        since: Int64,
        wall: Wall,
        backend: FirewallBackend,
        protectedPorts: [Port],
        held: [Held],
        lapse: Lapse? = nil
    ) {
        format = Self.format
        self.run = run
        self.since = since
        self.wall = wall
        self.backend = backend
        self.protectedPorts = protectedPorts
        self.held = held
        self.lapse = lapse
    }

    package var phase: OrderPhase { lapse?.phase ?? .kept }

    /// Whether something is still to come of it by itself.
    package var isWatched: Bool {
        switch phase {
        case .provisional, .lapsing: true
        case .kept, .lapsed: false
        }
    }

    /// By the name that coordinators use, or by its unit's.
    package func holds(_ name: String) -> Bool { held.contains { $0.service == name || $0.unit == name } }
}

extension StandingOrder: Bounded {
    package func check() throws(OutOfBounds) {
        try check("since", since, Bound.time)
        try check("wall", wall)
        try check("protectedPorts", elementsOf: protectedPorts)
        try check("held", each: held)
        try check("lapse.seconds", lapse?.seconds, LapseRequest.bounds)
    }
}

extension StandingOrder.Held: Bounded {
    package func check() throws(OutOfBounds) { try check("ending.pid", ending?.pid, Bound.processID) }
}
