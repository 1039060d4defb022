import Glibc
import LabKit
import SystemCalls
import Testing

@testable import HostControl

@Suite("Which processes are there", .timeLimit(.minutes(10)))
struct ProcessIdentityTests {
    @Test("a process whose first thread has ended is there as long as another one holds its connections")
    func firstThreadEnds() async throws {
        let scratch = try Scratch()
        let script = """
            import ctypes, threading, time
            threading.Thread(target=time.sleep, args=(60,)).start()
            ctypes.CDLL(None).pthread_exit(None)
            """
        let pid = try RealZooKeeper.spawn(
            ["/usr/bin/python3", "-c", script],
            log: scratch("log"),
            environment: [:]
        )
        let identity = try #require(ProcessIdentity(pid: pid))
        let record = try #require(ProcessRecord(pid: pid))
        #expect(await eventually { Self.state(pid) == "Z" })
        #expect(ProcessIdentity(pid: pid) == identity)
        // The lab's record of it says the same as the agent's.
        #expect(record.isRunning)
        kill(pid, SIGKILL)
        // Nobody has waited for it, so that it stays as a zombie.
        #expect(await eventually { ProcessIdentity(pid: pid) == nil })
        #expect(Self.state(pid) == "Z" && !record.isRunning)
        var status: Int32 = 0
        waitpid(pid, &status, 0)
        #expect(ProcessIdentity(pid: pid) == nil)
    }

    private static func state(_ pid: Int32) -> Substring? {
        guard let stat = KernelText.read("/proc/\(pid)/stat"), let close = stat.lastIndex(of: ")") else {
            return nil
        }
        return stat[stat.index(after: close)...].split(separator: " ").first
    }
}
