package import ControlProtocol
import FoundationEssentials
import Printable

/// One session with one host as a value: what came, and what is done next.
package struct SessionMachine: Sendable {
    package enum State: Hashable, Sendable {
        /// ssh, then sudo, then the shell; nothing was sent but a password.
        case connecting(passwordSent: Bool)
        /// The host says what it sees.
        case looking([String])
        /// The coordinator makes up its mind.
        case deciding
        /// The host carries out an order.
        case working
        /// The authority signs.
        case signing
        case ended(Ending)
    }

    package enum Event: Hashable, Sendable {
        case sudoAsks
        case line(String)
        case decided(SessionDecision)
        case signed(certificate: String)
        case notSigned(reason: String)
        case closed(SSHEnding)
        /// It sends more than is read.
        case tooMuch
    }

    package enum Action: Hashable, Sendable {
        case wait
        case sendPassword
        case sendProgram
        case decide([String])
        case send(Shipment)
        case sign(request: String)
        case sendGrant(certificate: String)
        /// Close the host's input, so that it ends.
        case hangUp
        case finish(Ending)
    }

    package enum Ending: Hashable, Sendable {
        /// Nothing was to be done, or done yet.
        case decided(SessionDecision)
        case replied(ProvisionReply)
        /// The host's shell, or the authority, will not go on; nothing was changed.
        case refused(reason: String)
        /// ssh ended too early.
        case broken(SSHEnding, greeted: Bool)
        /// The host says what no host of ours says.
        case nonsense(String)
    }

    /// Lines of a look, and of anything that a login shell says before: more is nonsense.
    private static let mostLines = 2000
    /// Of all lines of a look; the two files in it take a third of that at the most.
    private static let mostBytes = 2 << 20
    /// Of what is kept of nonsense, to be told.
    private static let longestNonsense = 1000

    package private(set) var state = State.connecting(passwordSent: false)
    private var strayLines = 0
    private var lookBytes = 0

    package init() {}

    package mutating func take(_ event: Event) -> Action {
        switch (state, event) {
        case (.ended, _): return .wait
        case (_, .closed(let ending)): return closed(ending)
        case (_, .tooMuch): return end(.nonsense("it says no end of things"))

        case (.connecting(passwordSent: false), .sudoAsks):
            state = .connecting(passwordSent: true)
            return .sendPassword
        // Asked again: the password was wrong. With its input at an end sudo gives up.
        case (.connecting(passwordSent: true), .sudoAsks): return .hangUp
        case (.connecting, .line(SSHCommand.greeting)):
            state = .looking([])
            return .sendProgram
        // What a login shell says before it gives way.
        case (.connecting, .line):
            strayLines += 1
            return strayLines > Self.mostLines ? end(.nonsense("it says no end of things at login")) : .wait

        case (.looking(let lines), .line("end")):
            state = .deciding
            return .decide(lines)
        case (.looking(var lines), .line(let line)):
            if let reason = refusal(line) { return end(.refused(reason: reason)) }
            lines.append(line)
            lookBytes += line.utf8.count
            guard lines.count <= Self.mostLines, lookBytes <= Self.mostBytes else {
                return end(.nonsense("its look has no end"))
            }
            state = .looking(lines)
            return .wait

        case (.deciding, .decided(.ship(let shipment))):
            state = .working
            return .send(shipment)
        case (.deciding, .decided(let decision)): return end(.decided(decision))

        case (.working, .line(let line)): return worked(line)
        case (.signing, .signed(let certificate)):
            state = .working
            return .sendGrant(certificate: certificate)
        case (.signing, .notSigned(let reason)): return end(.refused(reason: reason))

        case (.looking, .sudoAsks), (.deciding, .sudoAsks), (.working, .sudoAsks), (.signing, .sudoAsks):
            return .wait
        case (.deciding, .line(let line)), (.signing, .line(let line)): return nonsense(line)
        case (.connecting, .decided), (.connecting, .signed), (.connecting, .notSigned), (.looking, .decided),
            (.looking, .signed), (.looking, .notSigned), (.deciding, .signed), (.deciding, .notSigned),
            (.working, .decided), (.working, .signed), (.working, .notSigned), (.signing, .decided):
            return .wait
        }
    }

    private mutating func worked(_ line: String) -> Action {
        if let reason = refusal(line) { return end(.refused(reason: reason)) }
        do throws(WireProblem) {
            let reply = try WireJSON.decode(ProvisionReply.self, from: Data(line.utf8))
            guard case .request(let pem) = reply else { return end(.replied(reply)) }
            state = .signing
            return .sign(request: pem)
        } catch {
            return nonsense(line)
        }
    }

    private mutating func closed(_ ending: SSHEnding) -> Action {
        if case .connecting = state { return end(.broken(ending, greeted: false)) }
        return end(.broken(ending, greeted: true))
    }

    private mutating func end(_ ending: Ending) -> Action {
        state = .ended(ending)
        return .finish(ending)
    }

    private mutating func nonsense(_ line: String) -> Action {
        end(.nonsense(String(line.prefix(Self.longestNonsense))))
    }

    private func refusal(_ line: String) -> String? {
        line.hasPrefix("refused ") ? PrintableText(line.dropFirst(8), limit: 1000).description : nil
    }
}

/// What a coordinator makes of a look.
package enum SessionDecision: Hashable, Sendable {
    /// Nothing is sent; every reason that there is.
    case refuse([String])
    case unchanged
    /// What would be done, in words.
    case wouldChange([String])
    case ship(Shipment)
}

/// What a host is sent: files, then the order.
package struct Shipment: Hashable, Sendable {
    package let order: ProvisionOrder
    /// As in the order.
    package let contents: [ProvisionedFile: [UInt8]]

    package init(order: ProvisionOrder, contents: [ProvisionedFile: [UInt8]]) {
        self.order = order
        self.contents = contents
    }
}
