extension ZooConfiguration {
    /// The same file with other server lines and nothing else touched.
    ///
    /// A member that is there unchanged keeps its line to the byte; a changed one is rewritten where it stands, and its
    /// client port's suffix stays: without it nothing would listen for clients. New ones follow the last server line, or the end of the file if there is none.
    package func replacingMembers(_ members: [Member]) throws(ZooConfigurationError) -> ZooConfiguration {
        for member in members where !Self.isRepresentable(member) { throw .notRepresentable(member) }
        let wanted = Dictionary(members.map { ($0.id, $0) }) { first, _ in first }
        guard wanted.count == members.count else { throw .rewriteFailed }

        var pieces = text.elements.map(\.bytes)
        for server in serverLines {
            let old = server.entry.member
            guard let new = wanted[old.id] else {
                pieces[server.element] = []
                continue
            }
            if new == old { continue }
            pieces[server.element] = Self.line(
                new,
                suffix: server.entry.suffix,
                ending: terminator(of: server.element)
            )
        }
        let known = Set(serverLines.map(\.entry.member.id))
        let added = members.filter { !known.contains($0.id) }
        insert(added, into: &pieces)
        let rewritten = try Self.reading(pieces) { $0.count == members.count && Set($0) == Set(members) }
        for server in servers {
            guard let new = rewritten.serverLine(of: server.member.id)?.entry else { continue }
            guard new.clientPort == server.clientPort, new.clientAddress == server.clientAddress else {
                throw .rewriteFailed
            }
        }
        return rewritten
    }

    /// The same file with one setting changed, added at the end, or (nil) removed; repeats of it go.
    package func replacingSetting(
        _ key: String,
        with value: String?
    ) throws(ZooConfigurationError) -> ZooConfiguration {
        var pieces = text.elements.map(\.bytes)
        var place: Int?
        for (index, element) in text.elements.enumerated() {
            guard case .setting(key, _) = element.content else { continue }
            if let place { pieces[place] = [] }
            place = index
        }
        guard self[key] != value else { return self }
        switch (place, value) {
        case (nil, nil): return self
        case (let place?, nil): pieces[place] = []
        case (let place?, let value?):
            pieces[place] = Array("\(key)=\(value)".utf8) + terminator(of: place)
        case (nil, let value?):
            terminateLastLine(&pieces)
            pieces.append(Array("\(key)=\(value)".utf8) + usualTerminator)
        }
        let rewritten = try Self.reading(pieces) { $0 == members }
        guard rewritten[key] == value else { throw .rewriteFailed }
        return rewritten
    }

    private func insert(_ added: [Member], into pieces: inout [[UInt8]]) {
        guard !added.isEmpty else { return }
        guard let place = serverLines.last?.element else {
            terminateLastLine(&pieces)
            pieces += added.map { Self.line($0, ending: usualTerminator) }
            return
        }
        let ending = terminator(of: place)
        if !pieces[place].isEmpty, ending.isEmpty {
            pieces[place] += usualTerminator
        }
        let lines = added.enumerated().map { index, member in
            // The file ended without a terminator: it still does.
            let isLast = ending.isEmpty && index == added.count - 1
            return Self.line(member, ending: isLast ? [] : ending.isEmpty ? usualTerminator : ending)
        }
        pieces[place] += lines.flatMap { $0 }
    }

    private func terminateLastLine(_ pieces: inout [[UInt8]]) {
        guard let last = text.elements.indices.last, terminator(of: last).isEmpty else { return }
        pieces[last] += usualTerminator
    }

    /// LF, CR LF or CR as the element ends; empty at the end of a file without one.
    private func terminator(of element: Int) -> [UInt8] {
        let bytes = text.elements[element].bytes
        if bytes.suffix(2) == [13, 10] { return [13, 10] }
        return bytes.last.map { $0 == 10 || $0 == 13 ? [$0] : [] } ?? []
    }

    /// What most likely ends every line of this file.
    private var usualTerminator: [UInt8] {
        let first = text.elements.indices.first.map { terminator(of: $0) } ?? []
        return first.isEmpty ? [10] : first
    }

    private static func line(_ member: Member, suffix: String = "", ending: [UInt8]) -> [UInt8] {
        Array("server.\(member.id)=\(ServerEntry.value(of: member))\(suffix)".utf8) + ending
    }

    private static func isRepresentable(_ member: Member) -> Bool {
        let allowed = Set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_".utf8)
        return IPAddress(member.address) != nil
            || (!member.address.isEmpty && member.address.utf8.allSatisfy { allowed.contains($0) })
    }

    /// Reads back what was put together; a rewrite that means something else never leaves this type.
    private static func reading(
        _ pieces: [[UInt8]],
        isIntended: ([Member]) -> Bool
    ) throws(ZooConfigurationError) -> ZooConfiguration {
        let rewritten = try ZooConfiguration(pieces.flatMap { $0 })
        guard isIntended(rewritten.members) else { throw .rewriteFailed }
        return rewritten
    }
}
