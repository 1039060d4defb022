package import Glibc

/// New content for a file: complete and on disk under a name beside it, until it takes the file's place.
///
/// A crash at any moment leaves the old content or the new, never a part. What an interrupted one left under that name
/// is removed by the next, and one that goes out of use without having taken the place leaves nothing.
package struct FileReplacement: ~Copyable {
    /// What was being done when it failed.
    package enum Step: Hashable, Sendable {
        case clear
        case create
        case write
        case giveAttributes
        case flush
        case takePlace
        case flushDirectory
    }

    package struct Failure: Error, Hashable, Sendable {
        package let step: Step
        package let code: Int32

        fileprivate static func last(_ step: Step) -> Failure { Failure(step: step, code: errno) }

        /// With the content in place there is only its confirmation by the disk that can be missing.
        package var isInPlace: Bool { step == .flushDirectory }
    }

    private let directory: Int32
    private let draft: String
    private var isDraft = true

    /// Writes `content` under the name `draft` in an open directory, which the caller keeps open.
    ///
    /// What has that name is removed first; a symbolic link of that name is never followed.
    ///
    /// - Parameter owner: nil for whoever writes it.
    package init(
        as draft: String,
        in directory: Int32,
        content: [UInt8],
        mode: mode_t,
        owner: (user: uid_t, group: gid_t)? = nil
    ) throws(Failure) {
        guard unlinkat(directory, draft, 0) == 0 || errno == ENOENT else { throw .last(.clear) }
        let flags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC
        let descriptor = openat(directory, draft, flags, 0o600)
        guard descriptor >= 0 else { throw .last(.create) }
        do throws(Failure) {
            try Self.fill(descriptor, content, mode, owner)
        } catch {
            close(descriptor)
            unlinkat(directory, draft, 0)
            throw error
        }
        close(descriptor)
        self.directory = directory
        self.draft = draft
    }

    deinit {
        if isDraft { unlinkat(directory, draft, 0) }
    }

    /// Gives the content the name `name` in the same directory, and makes that durable.
    package mutating func take(placeOf name: String) throws(Failure) {
        guard renameat(directory, draft, directory, name) == 0 else { throw .last(.takePlace) }
        isDraft = false
        // Without this a power cut may undo the renaming.
        guard fsync(directory) == 0 else { throw .last(.flushDirectory) }
    }

    private static func fill(
        _ descriptor: Int32,
        _ content: [UInt8],
        _ mode: mode_t,
        _ owner: (user: uid_t, group: gid_t)?
    ) throws(Failure) {
        do throws(SystemCallError) {
            try DescriptorOutput.write(content, to: descriptor)
        } catch {
            throw Failure(step: .write, code: error.code)
        }
        // The owner first: changing it clears the set-user-id bits.
        if let owner, fchown(descriptor, owner.user, owner.group) != 0 {
            throw .last(.giveAttributes)
        }
        guard fchmod(descriptor, mode) == 0 else { throw .last(.giveAttributes) }
        guard fsync(descriptor) == 0 else { throw .last(.flush) }
    }
}
