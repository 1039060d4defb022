private import Glibc

/// Starts processes that outlive this one: own session, output to a log file, nothing inherited.
package struct Launcher: Sendable {
    /// The namespace that `ip netns` knows, or nil for the one this process is in.
    package let namespace: String?
    /// Appended to.
    package let log: String

    package init(namespace: String?, log: String) {
        self.namespace = namespace
        self.log = log
    }

    package func launch(_ command: [String]) throws(LabError) -> ProcessRecord {
        // nsenter execs its command, so the pid and the start time are the command's own.
        let entering = namespace.map { ["/usr/bin/nsenter", "--net=/run/netns/\($0)", "--"] } ?? []
        let argv = entering + command
        guard let program = argv.first else { throw .invalid(reason: "there is no command to start") }
        let pid = try spawn(program, argv)
        CommandTrace.note(command, status: nil)
        guard let record = ProcessRecord(pid: pid) else {
            throw .failed(step: "starting \(command[0])", diagnostics: "it ended at once; see \(log)")
        }
        return record
    }

    /// POSIX_SPAWN_SETSID, which the C library shows to GNU sources only.
    private static let newSession: Int32 = 0x80

    private static func openDescriptors() throws(LabError) -> [Int32] {
        try Folder.entries("/proc/self/fd").compactMap { Int32($0) }
    }

    private func spawn(_ program: String, _ argv: [String]) throws(LabError) -> pid_t {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        posix_spawn_file_actions_addopen(&actions, 1, log, O_WRONLY | O_CREAT | O_APPEND, 0o644)
        posix_spawn_file_actions_adddup2(&actions, 1, 2)
        // Closing a descriptor that is already closed is not an error here.
        for descriptor in try Self.openDescriptors() where descriptor > 2 {
            posix_spawn_file_actions_addclose(&actions, descriptor)
        }

        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        var nothing = sigset_t()
        sigemptyset(&nothing)
        posix_spawnattr_setsigmask(&attributes, &nothing)
        var everything = sigset_t()
        sigfillset(&everything)
        posix_spawnattr_setsigdefault(&attributes, &everything)
        let flags = Self.newSession | Int32(POSIX_SPAWN_SETSIGMASK) | Int32(POSIX_SPAWN_SETSIGDEF)
        posix_spawnattr_setflags(&attributes, Int16(flags))

        var arguments: [UnsafeMutablePointer<CChar>?] = argv.map { strdup($0) } + [nil]
        defer { for argument in arguments { free(argument) } }
        var pid: pid_t = 0
        let outcome = posix_spawn(&pid, program, &actions, &attributes, &arguments, environ)
        guard outcome == 0 else { throw .unstartable(program: program, errno: outcome) }
        return pid
    }
}
