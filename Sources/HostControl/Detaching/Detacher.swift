package import ControlProtocol
package import Logging
import Logs
import SystemCalls

/// Detaches the host's own ZooKeeper, and remembers what was proven of it.
package struct Detacher: Sendable {
    private let inspector: ZooKeeperInspector
    private let services: ServiceController
    private let firewall: any Firewall
    private let record: DetachRecord
    private let orders: Orders
    private let log: Logger

    package init(
        inspector: ZooKeeperInspector,
        services: ServiceController,
        firewall: any Firewall,
        stateDirectory: String,
        orders: Orders,
        log: Logger = .silent
    ) {
        self.log = log
        self.inspector = inspector
        self.services = services
        self.firewall = firewall
        self.orders = orders
        record = DetachRecord(stateDirectory: stateDirectory)
    }

    package func perform(
        _ request: DetachRequest,
        for run: RunID,
        progress: @escaping @Sendable (String) -> Void
    ) async throws(DetachError) -> DetachReport {
        let server = LocalServer(inspector: inspector, services: services, service: request.service)
        let detachment = Detachment(
            server: server,
            firewall: firewall,
            record: record,
            orders: orders,
            log: log,
            progress: progress
        )
        return try await detachment.perform(request, for: run)
    }

    /// Removes the copy that this run's detachment made; none is fine.
    package func discardCopy(of run: RunID) async throws(DetachError) -> DataReport {
        let data = await inspector.data()
        let result = await BlockingThread.run { () -> Result<DataCopy.Discarded, FileError> in
            Result { () throws(FileError) in
                try DataCopy(dataDir: data.path, logDir: data.logPath).discard(run: run)
            }
        }
        do throws(FileError) {
            let left = try result.get().left.first
            log.info("copy of the data discarded", fields: ["run": run.description, "left": left ?? "-"])
            return DataReport(path: left)
        } catch {
            throw .data(path: data.path, error)
        }
    }

    /// Moves the data of the server aside, which must be stopped.
    package func setAside(_ service: String, for run: RunID) async throws(DetachError) -> DataReport {
        let server = LocalServer(inspector: inspector, services: services, service: service)
        if let found = try await server.attached() { throw .otherProcess(expected: nil, found: found.pid) }
        try record.forget()
        let data = await inspector.data()
        let result = await BlockingThread.run { () -> Result<Int?, FileError> in
            Result { () throws(FileError) in
                try DataCopy(dataDir: data.path, logDir: data.logPath).setAside(run: run)
            }
        }
        do throws(FileError) {
            let place = try result.get().map { "\(data.path)/mitosis-\(run)/set-aside-\($0)" }
            log.info("data set aside", fields: ["run": run.description, "path": place ?? "-"])
            return DataReport(path: place)
        } catch {
            throw .data(path: data.path, error)
        }
    }

    /// An agent before this one ended in the middle, and the ports that it had closed are about to be opened.
    package func forgetIfAlive() throws(DetachError) { try record.forgetIfAlive() }

    /// The service is about to run again: what was proven of it is no longer all that it has acknowledged.
    package func forget(_ service: String) throws(DetachError) {
        if service == inspector.service { try record.forget() }
    }
}
