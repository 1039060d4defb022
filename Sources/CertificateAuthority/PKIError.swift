import MutualTLS

/// Why a certificate cannot be issued, listed or revoked.
package enum PKIError: Error, Hashable, Sendable {
    case exists(path: String)
    case alreadyInitialised(directory: String)
    case notInitialised(directory: String)
    case cannotWrite(path: String, reason: String)
    case cannotRead(path: String, reason: String)
    case damagedIndex(path: String, line: Int)
    case unusableAuthority(reason: String)
    case badName(text: String)
    case badAlternativeName(text: String)
    case badTrustDomain(text: String)
    case nothingNamed(text: String)
    case ambiguous(text: String, candidates: [String])
    case alreadyRevoked(text: String)
    case library(operation: String, detail: String)
    /// The request that a host made is not signed.
    case badRequest(host: String, reason: String)
}

extension PKIError: CustomStringConvertible {
    package var description: String {
        switch self {
        case .exists(let path):
            "\(path) exists and is never overwritten: move it away, then issue again"
        case .alreadyInitialised(let directory):
            "\(directory) already holds an authority: choose another --directory, or move it away"
        case .notInitialised(let directory):
            "\(directory) holds no authority: run `mitosis pki init --directory \(directory)` first"
        case .cannotWrite(let path, let reason): "cannot write \(path): \(reason)"
        case .cannotRead(let path, let reason): "cannot read \(path): \(reason)"
        case .damagedIndex(let path, let line):
            "\(path) is damaged at line \(line): restore it from a backup, nothing was changed"
        case .unusableAuthority(let reason): "the authority cannot be used: \(reason)"
        case .badName(let text):
            "'\(text.printable)' is no name: 1 to 63 of a-z, 0-9, '.' and '-', starting and ending with a letter or digit"
        case .badAlternativeName(let text):
            "'\(text.printable)' is neither an IP address nor a lower-case DNS name without wildcards"
        case .badTrustDomain(let text):
            "'\(text.printable)' is no trust domain: 1 to 63 of a-z, 0-9, '.' and '-'"
        case .nothingNamed(let text):
            "no certificate is named '\(text.printable)': see `mitosis pki list`"
        case .ambiguous(let text, let candidates):
            "'\(text.printable)' may mean \(candidates.joined(separator: " or ")): say which"
        case .alreadyRevoked(let text): "\(text) is revoked already"
        case .library(let operation, let detail): "OpenSSL failed to \(operation): \(detail)"
        case .badRequest(let host, let reason):
            "\(host): its certificate request is not signed: \(reason.printable); see that nobody else answers in its place, then begin again"
        }
    }
}

extension PKIError {
    /// What OpenSSL itself could not do.
    static func openSSL(_ error: TLSError) -> PKIError {
        if case .library(let operation, let detail) = error {
            return .library(operation: operation, detail: detail)
        }
        return .unusableAuthority(reason: error.description)
    }
}
