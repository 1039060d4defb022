import FoundationEssentials
import Glibc
import Testing
import Topology

@testable import ZooKeeperClient

/// Gives the error that `body` throws; nil when it does not.
func failure<Value>(_ body: () async throws -> Value) async -> ZooKeeperError? {
    do {
        _ = try await body()
        return nil
    } catch let error as ZooKeeperError {
        return error
    } catch {
        Issue.record(error)
        return nil
    }
}

/// Waits until `condition` holds; false when it does not within `limit`.
func eventually(within limit: Duration = .seconds(20), _ condition: () async throws -> Bool) async rethrows
    -> Bool
{
    let end = ContinuousClock.now + limit
    while ContinuousClock.now < end {
        if try await condition() { return true }
        do { try await Task.sleep(for: .milliseconds(20)) } catch { return false }
    }
    return try await condition()
}

func session(
    _ server: LoopbackServer,
    chroot: String = "",
    timeout: Duration = .seconds(10),
    _ credentials: [Credentials] = []
) async throws -> ZooKeeperSession {
    var options = SessionOptions()
    options.sessionTimeout = timeout
    options.credentials = credentials
    let servers = try #require(ConnectString("127.0.0.1:\(server.port)\(chroot)"))
    return try await ZooKeeperSession.connect(servers, timeout: .seconds(30), options: options)
}

func bytes(_ text: String) -> Data { Data(text.utf8) }

func openDescriptors() throws -> Int {
    try FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd").count
}

func threads() throws -> Int {
    try FileManager.default.contentsOfDirectory(atPath: "/proc/self/task").count
}

func residentKilobytes() throws -> Int {
    let text = String(decoding: try Data(contentsOf: URL(filePath: "/proc/self/status")), as: UTF8.self)
    let line = try #require(text.split(separator: "\n").first { $0.hasPrefix("VmRSS:") })
    return try #require(Int(line.filter(\.isNumber)))
}
