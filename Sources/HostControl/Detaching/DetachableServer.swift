import ControlProtocol
import SystemCalls
import Topology

/// What detaching does to a server and sees of it; tests have one that fails where they want.
protocol DetachableServer: Sendable {
    /// The process that the service manager names now, with a connection to it; nil when none runs.
    func attached() async throws(DetachError) -> AttachedServer?
    /// What the server says on a new connection.
    func serving() async -> Serving
    /// What is on its disk now.
    func data() async -> DataDirectory
    /// Nil when there is no such process.
    func logWriter(of pid: Int32) async -> LogWriter.Sample?
    /// Ends the process so that it stays ended, and returns as soon as it has gone; what is returned waits until its
    /// service manager says the same.
    func end(_ pid: Int32) async throws(DetachError) -> ConfirmedEnd
    /// Where the copy is; nil when there was nothing to copy.
    func copy(for run: RunID) async throws(DetachError) -> String?
}

typealias ConfirmedEnd = @Sendable () async throws(DetachError) -> Void

/// A server that runs and has been connected to.
struct AttachedServer: Sendable {
    let pid: Int32
    /// Of that process; nil when it has gone meanwhile.
    let identity: ProcessIdentity?
    /// TCP ports on which it can answer clients: all on which it listens but those between servers.
    let clientPorts: Set<Port>
    /// A connection over which it can be asked once.
    let question: any MemoryQuestion
}

/// Asks a server, once, which transaction it applied last.
protocol MemoryQuestion: Sendable {
    var localPort: Port { get }
    func ask() async -> Serving
}
