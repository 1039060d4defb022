package import ControlProtocol

/// What the agents of a fleet say of the highest epoch that each has granted, and how much of it is believed.
///
/// Every run raises all of them to the same number, so that honest ones lie within `FencingEpoch.reach` of one another, even
/// where a host has missed many runs or has just been installed. One that lies further away is an outlier: were it believed,
/// every honest agent would have to take its word, for good. The largest group that lies together is believed; of two as large
/// the lower, since an epoch that is too low is refused and does no harm.
package struct EpochPoll: Hashable, Sendable {
    package struct Outlier: Hashable, Sendable {
        package let host: HostName
        package let epoch: FencingEpoch
        /// The highest of those that are believed.
        package let believed: FencingEpoch
    }

    /// Of those that are believed; 0 when nobody was asked.
    package let highest: FencingEpoch
    /// In the order of their names.
    package let outliers: [Outlier]
    private let last: HostName?

    package init(_ told: [HostName: FencingEpoch]) {
        let sorted = told.sorted { ($0.value, $0.key) < ($1.value, $1.key) }
        var believed = sorted[0..<0]
        var first = 0
        for end in sorted.indices {
            while sorted[end].value.value - sorted[first].value.value >= FencingEpoch.reach { first += 1 }
            if end + 1 - first > believed.count { believed = sorted[first...end] }
        }
        let highest = believed.last?.value ?? FencingEpoch(0)
        self.highest = highest
        last = believed.last?.key
        let hosts = Set(believed.map(\.key))
        outliers = told.filter { !hosts.contains($0.key) }
            .map { Outlier(host: $0.key, epoch: $0.value, believed: highest) }
            .sorted { $0.host < $1.host }
    }

    /// Of what was observed; a host that said nothing has no part in it.
    package init(_ view: [HostName: Observation]) {
        self.init(
            view.compactMapValues { observation in
                switch observation {
                case .status(let status): status.lease.highestEpoch
                case .silent: nil
                }
            }
        )
    }

    /// One above the highest that is believed.
    package func next() throws(FleetError) -> FencingEpoch {
        if let next = highest.successor { return next }
        guard let last else { return FencingEpoch(1) }
        throw .broken(
            host: last,
            reason:
                "its agent says that it has granted epoch \(highest), after which there is none. Make sure that no run is "
                + "in progress, then `mitosis-agent lease reset` on that host"
        )
    }
}

extension EpochPoll.Outlier: CustomStringConvertible {
    /// Without the host's name.
    package var description: String {
        let place = epoch > believed ? "above" : "below"
        let remedy =
            epoch > believed
            ? "If that is wrong, `mitosis-agent lease reset --epoch \(believed)` on that host, once no run is in progress"
            : "Bring it up to the others: `mitosis-agent lease reset --epoch \(believed)` on that host"
        return
            "its agent says that the highest epoch it has granted is \(epoch), more than \(FencingEpoch.reach) \(place) "
            + "the others' \(believed): that is not believed. \(remedy)"
    }

    package var error: FleetError { .broken(host: host, reason: description) }
}
