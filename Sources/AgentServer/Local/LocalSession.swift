import ArgumentParser
import ControlProtocol
import Glibc
import SystemCalls

/// Root at work on this host itself, beside an agent that runs or in the place of one that does not.
final class LocalSession: Sendable {
    enum Answer: Hashable, Sendable {
        case done
        case problem(String)
        /// An agent runs and does not answer.
        case silent
    }

    private enum Agent {
        /// None, and none can start as long as this is held.
        case absent(StateDirectory)
        case running
        /// It cannot be told, for the state directory cannot be used.
        case unknown(AgentServerError)
    }

    let directory: String
    private let agent: Agent
    private let turn: FileLock?
    private let trail: LocalTrail
    /// Whether another command has held its turn for too long, and this one goes on beside it.
    private let isCrowded: Bool
    private let patience: Duration

    /// How long a running agent may take to answer, and another command of root's to come to its end.
    static let patience = Duration.seconds(10)

    /// Refuses everybody but root.
    static func requireRoot() throws(ExitCode) {
        guard geteuid() == 0 else {
            complain(
                "this is for root on the host: it needs neither a certificate nor a coordinator. Run it as root (sudo)"
            )
            throw ExitCode(1)
        }
    }

    /// For root; one such session changes something at a time, but none waits for one that hangs: each can at worst keep the other
    /// from hearing the agent's answer.
    init(directory: String, patience: Duration = LocalSession.patience, system: SystemLog = SystemLog()) {
        self.directory = directory
        self.patience = patience
        trail = LocalTrail(directory: directory, system: system)
        do throws(AgentServerError) {
            agent = .absent(try StateDirectory(path: directory))
        } catch {
            switch error {
            case .stateLocked: agent = .running
            case .configuration, .notOurs, .notWritable, .tls, .stateDirectory, .leaseUnreadable,
                .recordDamaged,
                .storage, .listen:
                agent = .unknown(error)
            }
        }
        do throws(FileLock.Failure) {
            turn = try FileLock(directory + "/order.lock", whenHeld: .within(patience))
            isCrowded = false
        } catch {
            turn = nil
            isCrowded = error == .held
        }
    }

    /// What is known of an agent, for a person.
    var summary: String {
        let crowd =
            "\nanother command of root's on this host does not come to its end (`fuser -v \(directory)/order.lock` names it); "
            + "going on beside it"
        return runs + (isCrowded ? crowd : "")
    }

    private var runs: String {
        switch agent {
        case .absent: "no agent runs (with the state directory \(directory))"
        case .running: "an agent runs"
        case .unknown(let error): "whether an agent runs cannot be told: \(error)"
        }
    }

    var isAgentRunning: Bool {
        switch agent {
        case .running: true
        case .absent, .unknown: false
        }
    }

    /// Asks the agent, if one runs; does it here otherwise.
    ///
    /// Either way it stands in the audit trail.
    func order(
        _ wish: LocalOrder.Wish,
        _ command: String,
        outcome: String? = nil,
        otherwise body: () throws(AgentServerError) -> Void = {}
    ) async -> Answer {
        switch agent {
        case .running: return await ask(wish, command, outcome)
        case .absent:
            let problem: String?
            do throws(AgentServerError) {
                try body()
                problem = nil
            } catch {
                problem = "\(error)"
            }
            note(command, problem.map { "failed: \($0)" } ?? outcome ?? "done")
            return problem.map { .problem($0) } ?? .done
        case .unknown(let error):
            note(command, outcome ?? "begun")
            return .problem("\(error)")
        }
    }

    private func ask(_ wish: LocalOrder.Wish, _ command: String, _ outcome: String?) async -> Answer {
        let id = String(UInt64.random(in: .min ... .max), radix: 16)
        let mailbox = LocalMailbox(directory: directory)
        do throws(AgentServerError) {
            try mailbox.put(
                LocalOrder(id: id, by: trail.identity, command: command, outcome: outcome, wish: wish)
            )
            if let answer = try await wait(for: id, in: mailbox) { return answer }
            if !mailbox.takeBack(), let late = try await wait(for: id, in: mailbox) { return late }
        } catch {
            return .problem("\(error)")
        }
        // Nobody else is left who could keep it.
        note(command, "the agent does not answer")
        return .silent
    }

    private func wait(for id: String, in mailbox: LocalMailbox) async throws(AgentServerError) -> Answer? {
        let end = ContinuousClock.now + patience
        while ContinuousClock.now < end {
            if let answer = try mailbox.answer(to: id) { return answer.problem.map { .problem($0) } ?? .done }
            do { try await Task.sleep(for: .milliseconds(20)) } catch { return nil }
        }
        return nil
    }

    /// Into the audit trail without the agent, which does not run, or does not answer.
    func note(_ command: String, _ outcome: String) { trail.note(command, outcome) }

    static func tell(_ text: String) { DescriptorOutput.tell(text + "\n", to: STDOUT_FILENO) }

    static func complain(_ text: String) {
        DescriptorOutput.tell("mitosis-agent: \(text)\n", to: STDERR_FILENO)
    }
}

/// Where things are on this host, as far as its agent's configuration can be read.
struct LocalPlaces {
    static let usualState = "/var/lib/mitosis"

    let state: String
    /// Nil when the configuration cannot be read.
    let backend: FirewallBackend?

    var trail: LocalTrail { LocalTrail(directory: state) }

    /// A configuration with a mistake keeps an agent from running; root must get on all the same.
    init(config: String) {
        do throws(AgentServerError) {
            let configuration = try AgentConfigurationReader.readOwn(path: config)
            state = configuration.state
            backend = configuration.backend
        } catch {
            LocalSession.complain("\(config) cannot be used: \(error)")
            LocalSession.complain("going on with \(Self.usualState) as the agent's state directory")
            state = Self.usualState
            backend = nil
        }
    }
}
