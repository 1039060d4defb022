import Glibc
import SystemCalls
import Testing

@Suite("Locks", .timeLimit(.minutes(10)))
struct LockTests {
    @Test("a file's lock is held by one until it goes out of use, and a link in its place is not followed")
    func file() throws {
        let folder = try Folder()
        do {
            let lock = try FileLock(folder("lock"), whenHeld: .refuse)
            defer { withExtendedLifetime(lock) {} }
            #expect(throws: FileLock.Failure.held) {
                _ = try FileLock(folder("lock"), whenHeld: .refuse)
            }
        }
        _ = try FileLock(folder("lock"), whenHeld: .wait)
        try #require(symlink("lock", folder("link")) == 0)
        #expect(throws: FileLock.Failure.unopened(code: ELOOP)) {
            _ = try FileLock(folder("link"), whenHeld: .wait)
        }
    }

    @Test("whoever waits for a file's lock for so long gets it when its holder ends, or hears")
    func bounded() async throws {
        let folder = try Folder()
        let path = folder("lock")
        let lock = try FileLock(path, whenHeld: .refuse)
        #expect(throws: FileLock.Failure.held) { _ = try FileLock(path, whenHeld: .within(.zero)) }
        #expect(throws: FileLock.Failure.held) {
            _ = try FileLock(path, whenHeld: .within(.milliseconds(50)))
        }
        let (attempts, attempted) = AsyncStream<Void>.makeStream()
        let waiting = Task {
            await BlockingThread.run { () -> FileLock.Failure? in
                attempted.yield()
                do throws(FileLock.Failure) { _ = try FileLock(path, whenHeld: .within(.seconds(50))) } catch
                {
                    return error
                }
                return nil
            }
        }
        await attempts.first { _ in true }
        _ = consume lock
        #expect(await waiting.value == nil)
    }

    @Test("whoever waits for a lock gets it in the order of arrival, and never two at once")
    func order() async {
        let lock = FIFOLock<Int>()
        let seen = Kept<[Int]>([])
        #expect(lock.tryAcquire(for: -1))
        var waiting: [Task<Void, Never>] = []
        for number in 0..<20 {
            let (arrivals, arrived) = AsyncStream<Void>.makeStream()
            waiting.append(
                Task { @MainActor in
                    arrived.yield()
                    await lock.acquire(for: number)
                    #expect(lock.holder == number)
                    seen.change { $0.append(number) }
                    await Task.yield()
                    #expect(lock.holder == number)
                    lock.release()
                }
            )
            await arrivals.first { _ in true }
        }
        // The last arrival has no wait behind it that would show that it has come to its own.
        await MainActor.run {}
        #expect(!lock.tryAcquire(for: 99) && lock.holder == -1)
        lock.release()
        for task in waiting { await task.value }
        #expect(seen.now == Array(0..<20))
        await lock.untilFree()
        #expect(lock.holder == nil)
    }

    @Test("a lock is free only when the last in line has given it back")
    func idle() async {
        let lock = FIFOLock<Void>()
        await lock.acquire()
        let next = Task { @MainActor in await lock.acquire() }
        let isFree = Kept(false)
        let watching = Task { @MainActor in
            await lock.untilFree()
            isFree.change { $0 = true }
        }
        await MainActor.run {}
        lock.release()
        await next.value
        #expect(!isFree.now)
        lock.release()
        await watching.value
        #expect(isFree.now)
    }
}
