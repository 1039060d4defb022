package import ControlProtocol

/// Our rules in every backend of this host, whoever left them there: for root on the host, without an agent.
///
/// Needs no configuration and no record; what it says of a backend the kernel has said just now.
package struct LocalRules: Sendable {
    package enum Finding: Hashable, Sendable {
        /// Without its program a backend can neither be looked into nor have been used lately.
        case missing(program: String)
        case rules(count: Int, listing: String)
        case unreadable(FirewallError)
    }

    package struct Backend: Hashable, Sendable {
        package let backend: FirewallBackend
        package let finding: Finding

        /// Whether the kernel has said that it holds nothing of ours there.
        package var isClear: Bool {
            switch finding {
            case .rules(let count, _): count == 0
            case .missing, .unreadable: false
            }
        }
    }

    private let stores: [any RuleStore]

    /// - Parameter launcher: prefixed to every command; tests enter a network namespace with it.
    package init(launcher: [String] = []) {
        let tools = PacketTools(launcher: launcher)
        stores = FirewallBackend.allCases.map { HostFirewall.store($0, [], tools) }
    }

    /// Every backend, in both address families; changes nothing.
    package func look() async -> [Backend] {
        var found: [Backend] = []
        for store in stores {
            found.append(Backend(backend: store.backend, finding: await look(into: store)))
        }
        return found
    }

    private func look(into store: any RuleStore) async -> Finding {
        if let program = store.missingProgram { return .missing(program: program) }
        do throws(FirewallError) {
            let rules = try await store.read()
            return .rules(count: rules.count, listing: rules.listing)
        } catch {
            return .unreadable(error)
        }
    }

    /// Removes what is ours from each; trouble in one keeps no other from being cleaned.
    ///
    /// Whether it is gone, `look` tells.
    package func remove() async -> [FirewallError] {
        var errors: [FirewallError] = []
        for store in stores where store.missingProgram == nil {
            do throws(FirewallError) {
                try await store.remove()
            } catch {
                errors.append(error)
            }
        }
        return errors
    }
}
