import Glibc

/// A system call that failed, in words.
package struct SystemCallError: Error, Hashable, Sendable {
    /// What was to be done, as a verb in front of a path: "open", "fsync the directory of".
    package let call: String
    /// Its errno.
    package let code: Int32

    package init(call: String, code: Int32) {
        self.call = call
        self.code = code
    }

    /// Of the call that failed last on this thread.
    package static func last(_ call: String) -> SystemCallError { SystemCallError(call: call, code: errno) }

    package var reason: String { systemReason(code) }
}

/// The system's words for an errno; for the last one on this thread when none is given.
package func systemReason(_ code: Int32 = errno) -> String { String(cString: strerror(code)) }
