import ControlProtocol
import HostControl

/// What must lose neither its agent nor that one's state: rules of ours in the kernel, an order on the disk.
struct Standing: Sendable {
    let places: HostPlaces
    let rules: RulesWatch

    /// A line for each backend that holds rules; what cannot be read is taken for one that does.
    func walls() async -> [String] {
        await rules.look().compactMap { part -> String? in
            switch part.finding {
            case .missing, .rules(0, _): nil
            case .rules(let count, _): "\(part.backend.rawValue) holds \(count) rules of ours"
            case .unreadable(let error): "\(part.backend.rawValue) cannot be read: \(error)"
            }
        }
    }

    /// - Parameters:
    ///   - state: the agent's state directory; nil where it is not known.
    ///   - work: what is done once nothing stands any more.
    func refuse(in state: String?, before work: String) async throws(ProvisionFailure) {
        let standing = await walls()
        guard standing.isEmpty else {
            throw .refused(
                reason:
                    "\(standing.joined(separator: "; ")): a wall may stand. End the run first, or remove the rules "
                    + "(mitosis rules clean), then \(work)"
            )
        }
        // Its services could start in the middle of a division, or never again.
        guard let state else { return }
        let store = OrderStore(stateDirectory: places.at(state))
        guard let order = store.state else { return }
        throw .refused(
            reason:
                "\(store.path): \(order). End the run first, or remove the rules (mitosis rules clean), then \(work)"
        )
    }
}
