package import ControlProtocol
import Printable
package import Topology

/// Why a plan file is refused, before anything is contacted or changed.
package enum PlanError: Error, Hashable, Sendable, CustomStringConvertible {
    case unreadable(YAMLError)
    /// At least one, in the order of the file.
    case invalid([PlanProblem])

    package var description: String {
        switch self {
        case .unreadable(let error): error.description
        case .invalid(let problems): problems.map(\.description).joined(separator: "\n")
        }
    }
}

/// One mistake in a plan file, where it is, and what to do about it.
package struct PlanProblem: Hashable, Sendable, CustomStringConvertible {
    package let file: String
    package let position: YAMLPosition
    package let fault: PlanFault

    package var line: Int { position.line }
    package var description: String { "\(file):\(position.line): \(fault)" }
}

package enum PlanFault: Hashable, Sendable {
    case format(YAMLProblem.Fault)
    case unsupportedVersion(Int)
    case notOneOf(key: String, value: String, allowed: [String])
    case badName(key: String, value: String)
    case badService(String)
    case relativePath(key: String, path: String)
    case badAddress(String)
    case unusableAddress(String, because: String)
    case nameWithoutAddresses(String, host: HostName)
    case duplicateID(ServerID, firstLine: Int)
    case duplicateHost(HostName, firstLine: Int)
    case hostOnBothSides(HostName, firstLine: Int)
    case duplicateAddress(String, host: HostName, firstLine: Int)
    case portUsedTwice(Port, host: HostName)
    case agentPortBehindWall(Port, host: HostName)
    case unknownSeed(String, known: [String])
    case seedsWithObservers
    case badChroot(String)
    case unsupportedBatch(Int)
    case duplicateBroker(BrokerID, firstLine: Int)
    case brokerOnServerHost(HostName, firstLine: Int)
    case noBrokers
    case unknownCheck(String, nearest: String?)
    case unwaivableCheck(CheckName, because: String)
    case repeatedWaiver(CheckName, firstLine: Int)
    case waiverWithoutReason(CheckName)
    case badNodePath(key: String, value: String)
    case repeatedSkip(String)
    case skipWithoutReason(String)
    case thresholdWithoutProbe
    case tooMany(key: String, most: Int)
    case wholeTree
    case treeOfKafka(String, other: String)
    case overlappingTree(String, other: String, firstLine: Int)
    case notOneIgnored
    case notAnAddress(String)
    case notASession(String)
    case ignoredWithoutReason(most: Int)
    case repeatedIgnore(firstLine: Int)
    case client(ClientFault)
    case repeatedTest(String, firstLine: Int)
    case testWithoutProgram
    case relativeProgram(String)
    case testNeverRun
    case selection(SeedSelectionError)
    case inventory(YAMLError)
    case notInInventory(HostName, file: String, nearest: String?)
    case saysOtherwise(key: String, value: String, file: String, line: Int, other: String)
    case openQuestion(String)
}

extension PlanFault: CustomStringConvertible {
    package var description: String {
        switch self {
        case .format(let fault): fault.description
        case .unsupportedVersion(let version):
            "plan version \(version) is not known. Write 'version: 1'."
        case .notOneOf(let key, let value, let allowed):
            "'\(key)' is '\(value)'. Choose one of: \(allowed.joined(separator: ", "))."
        case .badName(let key, let value):
            "'\(key)' is '\(value)', but must be 1 to 63 of a-z, 0-9, '.' and '-', starting and ending with "
                + "a letter or digit. Rename it."
        case .badService(let service):
            "'service' is '\(service)', which is no unit or service name. Write it as the agent's "
                + "configuration lists it."
        case .relativePath(let key, let path):
            "'\(key)' is '\(path)', which is not absolute. Write the path on the server from '/'."
        case .badAddress(let text):
            "'\(text)' is neither an IP address nor a host name. Correct it (IPv6 without brackets)."
        case .unusableAddress(let text, let because):
            "'\(text)' is \(because), under which no other host can reach the server. "
                + "Use the address that its peers see."
        case .nameWithoutAddresses(let name, let host):
            "\(host) is addressed by the name '\(name)', but rules need addresses. "
                + "Add 'addresses: [...]' with every IP address of the host."
        case .duplicateID(let id, let firstLine):
            "id \(id) is already used on line \(firstLine). Give every server an id of its own."
        case .duplicateHost(let host, let firstLine):
            "host '\(host)' is already listed on line \(firstLine). List every host once."
        case .hostOnBothSides(let host, let firstLine):
            "host '\(host)' is in the source as well (line \(firstLine)): one host cannot be walled off from "
                + "itself. Use separate hosts for the destination."
        case .duplicateAddress(let address, let host, let firstLine):
            "address \(address) already belongs to '\(host)' (line \(firstLine)). "
                + "Give every server addresses of its own."
        case .portUsedTwice(let port, let host):
            "'\(host)' uses port \(port) for two purposes. Give the client, quorum, election and agent ports "
                + "different numbers."
        case .agentPortBehindWall(let port, let host):
            "the agent of '\(host)' listens on port \(port), which is a quorum or election port of another "
                + "server and would be blocked. Move the agent to another port."
        case .unknownSeed(let seed, let known):
            "seed '\(seed)' is not a destination server. Known: \(known.joined(separator: ", "))."
        case .seedsWithObservers:
            "'seeds' means nothing under 'strategy: observers', where every destination server joins. "
                + "Remove it, or use 'strategy: participants'."
        case .badChroot(let text):
            "'chroot' is '\(text)', which is no path of ZooKeeper. Write it as in zookeeper.connect, from '/', "
                + "or leave it out when there is none."
        case .unsupportedBatch(let batch):
            "'batch' is \(batch), but only one broker at a time is restarted by this version. Write 1."
        case .duplicateBroker(let id, let firstLine):
            "broker id \(id) is already used on line \(firstLine). Give every broker its own broker.id."
        case .brokerOnServerHost(let host, let firstLine):
            "host '\(host)' is a ZooKeeper server as well (line \(firstLine)), which is not supported: its agent "
                + "would serve both. Move the broker to a host of its own, or leave it out."
        case .noBrokers:
            "'brokers' is empty. List every broker of the cluster, or leave 'kafka' out."
        case .unknownCheck(let name, let nearest):
            "'\(name)' is no check of the preflight. "
                + (nearest.map { "Did you mean '\($0)'?" } ?? "`mitosis preflight` lists them all by name.")
        case .unwaivableCheck(let check, let because):
            "'\(check)' cannot be waived: \(because). Mend what it finds, and remove the waiver."
        case .repeatedWaiver(let check, let firstLine):
            "'\(check)' is waived on line \(firstLine) already. Remove one of the two."
        case .waiverWithoutReason(let check):
            "the waiver of '\(check)' has no reason. Write why you do without it: the end of the run repeats it."
        case .badNodePath(let key, let value):
            "'\(key)' is '\(value)', which is no path of a node: it begins with a slash and does not end with one."
        case .repeatedSkip(let proof): "'\(proof)' is skipped twice. Remove one of the two."
        case .skipWithoutReason(let proof):
            "'\(proof)' is skipped without a reason. Write why you do without it: the end of the run repeats it."
        case .thresholdWithoutProbe:
            "'source_unserved_seconds' is what the probe of the source sees, and 'proofs' skips it. Remove one of the two."
        case .tooMany(let key, let most): "'\(key)' has more than \(most) items. Keep to what is needed."
        case .wholeTree:
            "'trees' has '/', but not everything of a shared ensemble moves. Name the paths that do, for instance /app."
        case .treeOfKafka(let tree, let other):
            "'\(tree)' is, holds or is inside \(other), which moves with 'kafka' already. Remove it."
        case .overlappingTree(let tree, let other, let firstLine):
            "'\(tree)' is, holds or is inside '\(other)' on line \(firstLine). Name each tree once, by its topmost node."
        case .notOneIgnored:
            "each item of 'ignore' names one client, or one node: give 'address', 'session' or 'path', and no two of them."
        case .notAnAddress(let text):
            "'address' is '\(text)', which is no IP address. Write the address that the servers see (IPv6 without brackets)."
        case .notASession(let text):
            "'session' is '\(text)', which is no session. Write it as ZooKeeper prints it, for instance 0x1000a8c5b9d0000."
        case .ignoredWithoutReason(let most):
            "the client is ignored without a reason. Write on one line, in \(most) characters at most, why it may stay."
        case .repeatedIgnore(let firstLine):
            "the same client is ignored on line \(firstLine) already. Remove one of the two."
        case .client(let fault): fault.description
        case .repeatedTest(let name, let firstLine):
            "a test '\(name)' is on line \(firstLine) already. Give every test a name of its own."
        case .testWithoutProgram:
            "'run' names no program. Write the program and its arguments as a list, for instance [/usr/local/bin/check-orders, --quick]."
        case .relativeProgram(let program):
            "'run' begins with '\(program)', a path that depends upon where the coordinator is started. Write it from '/', or a name alone "
                + "to have it looked up in PATH."
        case .testNeverRun:
            "'when' is empty, and the test would never be run. Name at least one of: before, joint, divided, after."
        case .selection(let error): error.description
        case .inventory(let error): "the inventory cannot be used:\n\(error)"
        case .notInInventory(let host, let file, let nearest):
            "host '\(host)' is not in the inventory \(file). "
                + (nearest.map { "Did you mean '\($0)'?" } ?? "Add it there.")
        case .saysOtherwise(let key, let value, let file, let line, let other):
            "'\(key)' is '\(value)' here and '\(other)' in the inventory (\(file):\(line)). Remove it here, or make both "
                + "the same."
        case .openQuestion(let question):
            "open question: \(PrintableText(question)) Answer it in the plan, and remove this line."
        }
    }
}
