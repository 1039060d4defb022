import ControlProtocol
import FoundationEssentials
import Glibc
import Synchronization
import SystemCalls
import Testing

@testable import HostControl

/// An account that changes its directory all the time while the agent works in it.
@Suite(
    "Links that change while they are followed",
    .enabled(if: geteuid() == 0, "giving files away needs root")
)
struct LinkRaceTests {
    private static let user: uid_t = 12_345
    private static let secret = "a=1\n"

    let scratch: Scratch
    let run: RunID

    init() throws {
        scratch = try Scratch()
        run = try #require(RunID("run-1"))
        for name in ["etc", "etc/conf", "outside"] { try scratch.directory(name) }
        // The very content that the account's file has: its digest is the one that a write expects.
        for name in ["etc/zoo.cfg", "etc/conf/zoo.cfg"] { try scratch.file(name, Array(Self.secret.utf8)) }
        try scratch.file("outside/zoo.cfg", Array(Self.secret.utf8), mode: 0o600)
        try scratch.file("outside/secret.cfg", Array("topsecret\n".utf8), mode: 0o600)
        for name in ["etc", "etc/conf", "etc/zoo.cfg", "etc/conf/zoo.cfg"] {
            try #require(chown(scratch(name), Self.user, Self.user) == 0)
        }
    }

    enum Exchange: CaseIterable {
        case fileForLink
        case fileForLinkToSecret
        case directoryForLink

        var name: String { self == .directoryForLink ? "conf" : "zoo.cfg" }
        var path: String { self == .directoryForLink ? "conf/zoo.cfg" : "zoo.cfg" }
        var target: String {
            switch self {
            case .fileForLink: "../outside/zoo.cfg"
            case .fileForLinkToSecret: "../outside/secret.cfg"
            case .directoryForLink: "../outside"
            }
        }
    }

    @Test("nothing outside is read or written, however the names change", arguments: Exchange.allCases)
    func exchanged(exchange: Exchange) async throws {
        let swapping = Swapping(
            scratch("etc/" + exchange.name),
            scratch("etc/link"),
            exchange.target,
            Self.user
        )
        try #require(swapping.plant())
        let swaps = Task.detached { await BlockingThread.run { swapping.swap() } }
        let outcome = Result { try work(scratch("etc/" + exchange.path), during: swapping) }
        swapping.end()
        await swaps.value
        try outcome.get()
    }

    private func work(_ path: String, during swapping: Swapping) throws {
        let files = ConfigFiles(allowed: [path], backups: scratch("backups"))
        var attempts = 0
        while attempts < 500 || swapping.count < 500 {
            attempts += 1
            do throws(FileError) {
                let found = try files.read(path)
                guard let content = found.content else { continue }
                let text = String(decoding: content, as: UTF8.self)
                #expect(text.hasPrefix("a="), "attempt \(attempts)")
                // Every other time a content that the file outside has as well.
                let number = attempts % 2 == 0 ? 1 : attempts
                let write = FileWrite(
                    path: path,
                    expected: found.state.digest,
                    content: Data("a=\(number)\n".utf8)
                )
                _ = try files.write(write, run: run)
            } catch {
                // Refused, or changed meanwhile.
            }
            try expectOutsideUntouched("after \(attempts) attempts")
        }
    }

    private func expectOutsideUntouched(_ moment: String) throws {
        try #require(try content(of: scratch("outside/zoo.cfg")) == Array(Self.secret.utf8), "\(moment)")
        try #require(try content(of: scratch("outside/secret.cfg")) == Array("topsecret\n".utf8), "\(moment)")
        try #require(try scratch.names(in: "outside") == ["secret.cfg", "zoo.cfg"], "\(moment)")
    }
}

/// Exchanges a name and a link in a thread of its own until it is told to end.
private final class Swapping: Sendable {
    private let (name, link, target): (String, String, String)
    private let user: uid_t
    private let isOver = Atomic<Bool>(false)
    private let swaps = Atomic<Int>(0)

    var count: Int { swaps.load(ordering: .relaxed) }

    init(_ name: String, _ link: String, _ target: String, _ user: uid_t) {
        (self.name, self.link, self.target, self.user) = (name, link, target, user)
    }

    func end() { isOver.store(true, ordering: .relaxed) }

    func swap() {
        while !isOver.load(ordering: .relaxed) {
            if Self.exchange(name, link) { swaps.add(1, ordering: .relaxed) }
            // A write may have put a file in the link's place.
            if !isLink(name), !isLink(link) { _ = plant() }
            usleep(UInt32.random(in: 0...400))
        }
    }

    /// Puts the account's link there.
    func plant() -> Bool {
        let new = link + ".new"
        return symlink(target, new) == 0 && lchown(new, user, user) == 0 && rename(new, link) == 0
    }

    private func isLink(_ path: String) -> Bool {
        var found = stat()
        return lstat(path, &found) == 0 && found.st_mode & S_IFMT == S_IFLNK
    }

    /// `renameat2(2)` with `RENAME_EXCHANGE`, which the C library's overlay leaves out.
    private static func exchange(_ one: String, _ two: String) -> Bool {
        guard let symbol = dlsym(nil, "renameat2") else { return false }
        typealias Function =
            @convention(c) (
                Int32, UnsafePointer<CChar>, Int32, UnsafePointer<CChar>, UInt32
            ) -> Int32
        return unsafeBitCast(symbol, to: Function.self)(AT_FDCWD, one, AT_FDCWD, two, 2) == 0
    }
}
