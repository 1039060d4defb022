package import ControlProtocol
import FoundationEssentials

/// What root on this host asks of the agent that runs there.
///
/// It comes as a file, `order.json` in the state directory, and is answered by another, `order-answer.json`: no port, no
/// certificate and no coordinator has a part in it. Whoever can write there is root or the agent's own user.
///
/// | event | the agent | whoever asked |
/// |---|---|---|
/// | an order is put there | takes it away, obeys, keeps the audit line, answers | waits for the answer to its id |
/// | no answer in time | - | takes the order back; if it is gone already, waits once more |
/// | the agent starts | throws away what lies there: whoever had asked has given up | - |
/// | none runs | - | holds the directory's lock, and does it itself |
package struct LocalOrder: Hashable, Sendable, Codable {
    package enum Wish: Hashable, Sendable, Codable {
        /// No rules are watched over any more that were installed until now, so that they can be removed beside the agent.
        case forgetRules
        case resetLease(epoch: FencingEpoch)
        /// Nothing but the line in the audit trail.
        case note
    }

    package let id: String
    /// Who asks, in the words of the audit trail.
    package let by: String
    package let command: String
    /// What came of it, for an order that only notes.
    package let outcome: String?
    package let wish: Wish

    package init(id: String, by: String, command: String, outcome: String? = nil, wish: Wish) {
        self.id = id
        self.by = by
        self.command = command
        self.outcome = outcome
        self.wish = wish
    }
}

/// What came of an order.
package struct LocalAnswer: Hashable, Sendable, Codable {
    package let id: String
    /// Why it was not obeyed; nil when it was.
    package let problem: String?
}

extension LocalOrder: Bounded {
    package func check() throws(OutOfBounds) {
        switch wish {
        case .resetLease(let epoch): try check("wish.resetLease.epoch", epoch)
        case .forgetRules, .note: break
        }
    }
}

extension LocalAnswer: Bounded {
    package func check() throws(OutOfBounds) {}
}
