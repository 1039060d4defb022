import ControlProtocol
import Synchronization

/// What systemd said last of how units start, taken from what it is asked anyway.
final class SeenBoots: Sendable {
    private let seen = Mutex<[String: UnitBoot]>([:])

    subscript(service: String) -> UnitBoot? { seen.withLock { $0[service] } }

    func note(_ service: String, _ shown: String, lapse: String) {
        let boot = UnitBoot(shown: shown, lapse: lapse)
        seen.withLock { $0[service] = boot }
    }
}

extension UnitBoot {
    /// Out of what `systemctl show` prints; nil where it does not say.
    ///
    /// - Parameter lapse: the same of the unit that waits for orders that may lapse.
    init?(shown text: String, lapse: String) {
        let lines = text.split(separator: "\n")
        guard
            let state = lines.first(where: { $0.hasPrefix("UnitFileState=") })?.dropFirst(
                "UnitFileState=".count
            ),
            !state.isEmpty
        else { return nil }
        let asks = lines.contains { line in
            (line.hasPrefix("ExecCondition=") || line.hasPrefix("ExecStartPre="))
                && line.contains("--hold-check")
        }
        let active = lapse.split(separator: "\n").first { $0.hasPrefix("ActiveState=") }
        self.init(
            isEnabled: ["enabled", "enabled-runtime", "generated"].contains(state),
            asksOrder: asks,
            lapses: active.map { $0 == "ActiveState=active" }
        )
    }
}
