package import ControlProtocol

/// Rules of ours that somebody else had changed or removed, and what came of putting them back.
package struct RuleRestoration: Sendable {
    package let wall: Wall?
    package let closed: ClosedPorts?
    /// What the kernel held instead; nil when that could not be read.
    package let found: InstalledRules?
    /// How it was from then on; a failure is tried again, and told again only when it is another one.
    package let result: Result<InstalledRules, FirewallError>
    package let milliseconds: Int

    package init(
        wall: Wall?,
        closed: ClosedPorts?,
        found: InstalledRules?,
        result: Result<InstalledRules, FirewallError>,
        milliseconds: Int
    ) {
        self.wall = wall
        self.closed = closed
        self.found = found
        self.result = result
        self.milliseconds = milliseconds
    }

    package var wanted: String { RuleSet(wall: wall, closed: closed).summary }
}

/// Watches over the rules between their installation and their removal.
///
/// While there are none it does not even wake up. It acts through the firewall, in turn with its callers: a command
/// that changes or removes the rules is never worked against.
struct WallGuard: Sendable {
    let firewall: HostFirewall
    let pace: GuardPace
    /// Asked before anything is put back.
    let isGivenUp: @Sendable () -> Bool

    /// Until the task is cancelled.
    func run(_ report: @Sendable (RuleRestoration) -> Void) async {
        for await _ in firewall.guarded.arrivals() {
            var lastFailure: FirewallError?
            while !Task.isCancelled, let state = firewall.guarded.state {
                do {
                    let isTold = state.generation != nil && lastFailure == nil
                    try await Task.sleep(for: isTold ? pace.question : pace.blindLook)
                } catch {
                    return
                }
                guard firewall.guarded.isInDoubt(pace, at: firewall.generation) else { continue }
                // While this process was frozen the host may have undone the division without it.
                guard !isGivenUp() else {
                    firewall.guarded.end()
                    break
                }
                guard let restoration = await firewall.restore(pace) else {
                    lastFailure = nil
                    continue
                }
                switch restoration.result {
                case .success:
                    lastFailure = nil
                    report(restoration)
                case .failure(let error):
                    if error != lastFailure { report(restoration) }
                    lastFailure = error
                }
            }
        }
    }
}

/// How often the guard looks.
struct GuardPace: Sendable {
    /// Between two questions for the kernel's generation, which cost next to nothing.
    var question = Duration.milliseconds(50)
    /// Between two readings of the rules because the generation has changed: others may change theirs all the time.
    var look = Duration.milliseconds(200)
    /// Between two readings where no generation tells of changes.
    var blindLook = Duration.seconds(1)
}

extension GuardedRules {
    /// Whether the rules must be read to know that they are still there.
    func isInDoubt(_ pace: GuardPace, at generation: () -> UInt32?) -> Bool {
        guard let state else { return false }
        guard let seen = state.generation else { return true }
        return ContinuousClock.now - state.seenAt >= pace.look && generation() != seen
    }
}
