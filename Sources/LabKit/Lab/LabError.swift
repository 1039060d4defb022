/// What went wrong while a lab was set up, used or taken down.
package enum LabError: Error, CustomStringConvertible {
    /// A lab name, host count or path that cannot be used.
    case invalid(reason: String)
    /// The folder holds something that no lab wrote.
    case foreignDirectory(path: String)
    /// No lab was set up in the folder.
    case noLab(path: String)
    /// A program this step needs is not there.
    case missing(program: String, remedy: String)
    /// A program ended with an error.
    case failed(step: String, diagnostics: String)
    /// A process could not be started.
    case unstartable(program: String, errno: Int32)
    /// Something that was waited for did not happen in time.
    case late(what: String, seconds: Int, seen: String)
    /// A host's systemd did not come up.
    case unbootable(host: String, reason: String)
    /// A file could not be read or written.
    case file(path: String, reason: String)

    package var description: String {
        switch self {
        case .invalid(let reason):
            reason
        case .foreignDirectory(let path):
            "\(path) is not empty and no lab made it: name another folder with --directory, or empty it"
        case .noLab(let path):
            "there is no lab in \(path): run `mitosis-lab up` first, or name its folder with --directory"
        case .missing(let program, let remedy):
            "\(program) is missing: \(remedy)"
        case .failed(let step, let diagnostics):
            "\(step) failed: \(diagnostics)"
        case .unstartable(let program, let errno):
            "\(program) could not be started (errno \(errno)): is it installed, and are you root?"
        case .late(let what, let seconds, let seen):
            "\(what) did not happen within \(seconds) s; last seen: \(seen)"
        case .unbootable(let host, let reason):
            "the systemd of \(host) did not come up: \(reason); use --hosts processes"
        case .file(let path, let reason):
            "\(path): \(reason)"
        }
    }
}
