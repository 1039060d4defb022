import ControlProtocol
import FoundationEssentials
import Glibc
import SystemCalls
import Testing
import Topology

@testable import HostControl

/// Figures, not verdicts: `MITOSIS_BENCH=1 swift test -c release -Xswiftc -enable-testing --filter DataBench`.
@Suite(
    "How long reading and keeping data takes",
    .enabled(if: getenv("MITOSIS_BENCH") != nil, "MITOSIS_BENCH"),
    .serialized
)
struct DataBench {
    let scratch: Scratch
    let run: RunID

    init() throws {
        scratch = try Scratch()
        try scratch.directory("version-2")
        run = try #require(RunID("r"))
        try scratch.file("version-2/snapshot.0", DataBytes.snapshot())
        try scratch.file("version-2/currentEpoch", Array("1".utf8))
        try scratch.file("version-2/acceptedEpoch", Array("1".utf8))
    }

    private func measure(_ what: String, rounds: Int = 7, _ body: () throws -> Void) rethrows {
        var times: [Double] = []
        for _ in 0..<rounds {
            let start = ContinuousClock.now
            try body()
            times.append((ContinuousClock.now - start).seconds * 1000)
        }
        times.sort()
        print("bench: \(what): median \(times[rounds / 2]) ms, from \(times[0]) to \(times[rounds - 1])")
    }

    @Test(arguments: [1, 200])
    func log(mebibytes: Int) throws {
        var bytes = DataBytes.header
        var zxid: UInt64 = 1
        let batch = (0..<1024).map { _ in
            defer { zxid += 1 }
            return DataBytes.record(zxid, payload: 1024 - 45)
        }
        bytes += batch.joined()
        let path = try scratch.file("version-2/log.1", bytes)
        let file = try OpenFile(path, O_WRONLY | O_APPEND)
        for _ in 1..<mebibytes {
            let more = (0..<1024).map { _ in
                defer { zxid += 1 }
                return DataBytes.record(zxid, payload: 1024 - 45)
            }
            try file.write(Data(more.joined()))
        }
        let size = max(64 << 20, (mebibytes << 20) + (16 << 20))
        try #require(truncate(path, size) == 0)
        try file.synchronize()
        let what = "\(mebibytes) MiB of records in \(size >> 20) MiB"
        measure("\(what), first look") {
            var reader = DataDirectoryReader()
            _ = reader.read(dataDir: scratch.path, logDir: scratch.path)
        }
        var reader = DataDirectoryReader()
        measure("\(what), another look") { _ = reader.read(dataDir: scratch.path, logDir: scratch.path) }
        #expect(reader.read(dataDir: scratch.path, logDir: scratch.path).lastZxid == Zxid(zxid - 1))
        let copies = DataCopy(dataDir: scratch.path, logDir: scratch.path)
        try measure("\(what), keep") {
            _ = try copies.discard(run: run)
            _ = try copies.keep(run: run)
        }
        try measure("\(what), presence of the newest") {
            _ = try HistoryReader.presence(of: [Zxid(zxid - 1)], dataDir: scratch.path, logDir: scratch.path)
        }
    }
}
