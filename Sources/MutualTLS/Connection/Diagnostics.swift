internal import COpenSSL

/// OpenSSL's per-thread error queue, taken off it at once: the next call on this thread would mix with it.
package struct Diagnostics: Sendable {
    package struct Entry: Sendable {
        let library: Int32
        let reason: Int32
        let text: String
    }

    package let entries: [Entry]

    /// Empties the queue, oldest entry first.
    package static func drain() -> Diagnostics {
        var entries: [Entry] = []
        var detail: UnsafePointer<CChar>?
        var flags: Int32 = 0
        while true {
            let code = ERR_get_error_all(nil, nil, nil, &detail, &flags)
            guard code != 0 else { return Diagnostics(entries: entries) }
            var text = ERR_reason_error_string(code).map { String(cString: $0) } ?? "error \(code)"
            if flags & ERR_TXT_STRING != 0, let detail, detail.pointee != 0 {
                text += " (\(String(cString: detail)))"
            }
            entries.append(Entry(library: ERR_GET_LIB(code), reason: ERR_GET_REASON(code), text: text))
        }
    }

    package var text: String {
        entries.isEmpty ? "OpenSSL gave no reason" : entries.map(\.text).joined(separator: "; ")
    }

    /// The alert that the peer sent, when that is what ended the connection.
    var alert: TLSAlert? {
        for entry in entries where entry.library == ERR_LIB_SSL {
            let code = entry.reason - SSL_AD_REASON_OFFSET
            if let code = UInt8(exactly: code) { return TLSAlert(code: code) }
        }
        return nil
    }

    func contains(_ reasons: Int32...) -> Bool {
        entries.contains { $0.library == ERR_LIB_SSL && reasons.contains($0.reason) }
    }
}
