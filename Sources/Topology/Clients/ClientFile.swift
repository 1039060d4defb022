/// A client's configuration file, of any kind, with the one place that says which ZooKeeper it uses.
///
/// Every byte that is not asked to change is kept.
package struct ClientFile: Hashable, Sendable {
    package let content: [UInt8]
    package let place: ConnectPlace
    /// What the place says now; nil where the plan says what the text becomes.
    package let connect: ConnectString?

    /// Refuses a file in which the place is not there, stands twice, or cannot be read as its reader would.
    package init(_ content: some Collection<UInt8>, _ place: ConnectPlace) throws(ClientFileError) {
        self.content = Array(content)
        self.place = place
        switch place {
        case .property(let key):
            let text = try Self.properties(self.content)
            guard let found = text.value(of: key) else { throw .missing(place) }
            connect = try Self.connect(found.value, place, line: found.line)
        case .variable(let name):
            let found = try Self.assignment(of: name, in: self.content, place)
            connect = try Self.connect(Self.text(self.content[found.value]), place, line: found.line)
        case .text(let old, let becomes):
            let found = TextSearch(old).occurrences(in: self.content)
            guard let first = found.first else { throw .missing(place) }
            guard becomes == nil else {
                connect = nil
                return
            }
            connect = try Self.connect(old, place, line: TextSearch.line(of: first, in: self.content))
        }
    }

    /// The same file with these servers in place of those that it names; its chroot stays.
    ///
    /// With the text that the plan gives, where it gives one.
    package func replacingServers(_ servers: [ConnectString.Server]) throws(ClientFileError) -> [UInt8] {
        if case .text(let old, .some(let becomes)) = place {
            return TextSearch(old).replacing(with: becomes, in: content)
        }
        guard let connect, let wanted = connect.replacingServers(servers) else { throw .missing(place) }
        guard wanted != connect else { return content }
        let value = wanted.description
        let rewritten: [UInt8]
        switch place {
        case .property(let key):
            guard let text = try Self.properties(content).replacing(key, with: value) else {
                throw .notRepresentable(place, value)
            }
            rewritten = text
        case .variable(let name):
            let found = try Self.assignment(of: name, in: content, place)
            rewritten = Array(
                content[..<found.value.lowerBound] + value.utf8 + content[found.value.upperBound...]
            )
        case .text(let old, _):
            rewritten = TextSearch(old).replacing(with: value, in: content)
            guard TextSearch(value).occurrences(in: rewritten).count >= 1 else {
                throw .notRepresentable(place, value)
            }
            return rewritten
        }
        guard try ClientFile(rewritten, place).connect == wanted else {
            throw .notRepresentable(place, value)
        }
        return rewritten
    }

    private static func properties(_ content: [UInt8]) throws(ClientFileError) -> PropertiesText {
        do throws(ZooConfigurationError) { return try PropertiesText(content) } catch {
            throw .unreadable(error)
        }
    }

    private static func assignment(
        of name: String,
        in content: [UInt8],
        _ place: ConnectPlace
    ) throws(ClientFileError) -> EnvironmentText.Assignment {
        let found = EnvironmentText(content).assignments(of: name)
        guard let first = found.first else { throw .missing(place) }
        guard found.count == 1 else { throw .repeated(place, lines: found.map(\.line)) }
        guard first.isPlain else { throw .notPlain(place, line: first.line) }
        return first
    }

    private static func connect(
        _ value: String,
        _ place: ConnectPlace,
        line: Int
    ) throws(ClientFileError) -> ConnectString {
        guard let connect = ConnectString(value), !connect.chroot.utf8.contains(UInt8(ascii: ",")),
            connect.servers.allSatisfy({ $0.host.utf8.allSatisfy(isOfHost) })
        else { throw .malformed(place, value: value, line: line) }
        return connect
    }

    /// Nothing that a reader would put something else in place of.
    private static func isOfHost(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "-"), UInt8(ascii: "_"),
            UInt8(ascii: ":"):
            true
        case _: false
        }
    }

    private static func text(_ bytes: ArraySlice<UInt8>) -> String { String(decoding: bytes, as: UTF8.self) }
}
