import FoundationEssentials
import Glibc
import SystemCalls

/// A folder in memory for one question to a server's parser: the class that asks, and copies of files in a folder that is the
/// server's account's alone, as newer parsers write beside the file that they read.
struct ParserFolder: Sendable {
    private static let place = "/dev/shm"
    private static let prefix = "mitosis-parser-"
    static let program = "AskParser"
    /// Within the folder; the server's account's.
    private static let copies = "copies"

    let path: String
    let files: [String]

    /// Everything is written before the account can reach it: it can put nothing in the way of a file.
    init(_ contents: [Data], for account: ServerAccount) throws(FileError) {
        let path = "\(Self.place)/\(Self.prefix)\(getpid())-\(UInt32.random(in: .min ... .max))"
        guard mkdir(path, 0o700) == 0 else {
            throw .unavailable(operation: "make", path: path, code: errno)
        }
        self.path = path
        files = contents.indices.map { "\(path)/\(Self.copies)/\($0).cfg" }
        do throws(FileError) {
            try fill(contents, for: account)
        } catch {
            remove()
            throw error
        }
    }

    private func fill(_ contents: [Data], for account: ServerAccount) throws(FileError) {
        let folder = try OpenDirectory(walking: path)
        let program = FilePlace(folder, Self.program + ".class")
        try Self.write(Data(PackageResources.AskParser_class), to: program, mode: 0o644, nil)
        let copies = FilePlace(folder, Self.copies)
        guard mkdirat(folder.descriptor, copies.name, 0o700) == 0 else {
            throw .unavailable(operation: "make", path: copies.path, code: errno)
        }
        let inside = try OpenDirectory(copies)
        for (number, content) in contents.enumerated() {
            try Self.write(content, to: FilePlace(inside, "\(number).cfg"), mode: 0o600, account)
        }
        guard fchown(inside.descriptor, account.user, account.group) == 0,
            fchmod(folder.descriptor, 0o711) == 0
        else { throw .unavailable(operation: "hand over", path: copies.path, code: errno) }
    }

    private static func write(_ content: Data, to place: FilePlace, mode: mode_t, _ owner: ServerAccount?)
        throws(FileError)
    {
        let file = try OpenFile(place, O_WRONLY | O_CREAT | O_EXCL, mode: mode)
        try file.write(content)
        guard fchmod(file.descriptor, mode) == 0,
            owner.map({ fchown(file.descriptor, $0.user, $0.group) == 0 }) ?? true
        else { throw .unavailable(operation: "hand over", path: place.path, code: errno) }
    }

    /// What a program that ran there printed, the first 64 KiB of it.
    func printed(_ name: String) -> String {
        do throws(FileError) {
            let file = try OpenFile(FilePlace(try OpenDirectory(walking: path), name), O_RDONLY)
            var buffer = [UInt8](repeating: 0, count: 65_536)
            let count = pread(file.descriptor, &buffer, buffer.count, 0)
            return String(decoding: buffer.prefix(max(0, count)), as: UTF8.self)
        } catch {
            return ""
        }
    }

    func remove() { Self.remove(path) }

    /// What agents before this one left when they were ended in the middle.
    static func removeLeftovers() {
        do throws(FileError) {
            for name in try OpenDirectory(walking: place).names() where name.hasPrefix(prefix) {
                let pid = name.dropFirst(prefix.utf8.count).prefix { $0 != "-" }
                if let pid = Int32(pid), !ProcessIdentity.isAlive(pid) { remove("\(place)/\(name)") }
            }
        } catch {
            // Without a list of them nothing can be removed; the next question tries again.
        }
    }

    /// No link in it is followed; of folders that somebody else made in it, none is entered.
    private static func remove(_ path: String) {
        do throws(FileError) {
            let place = try FilePlace(walking: path)
            let folder = try OpenDirectory(place)
            let copies = FilePlace(folder, Self.copies)
            if try copies.attributes() != nil {
                try empty(try OpenDirectory(copies))
                try copies.removeDirectory()
            }
            try empty(folder)
            try place.removeDirectory()
        } catch {
            // It is in memory, and the next agent tries again.
        }
    }

    private static func empty(_ folder: OpenDirectory) throws(FileError) {
        for name in try folder.names() { try FilePlace(folder, name).remove() }
    }
}
