package import SystemCalls

/// One parsed document, with the bytes that it was parsed from.
package struct YAMLDocument: Sendable {
    package static let sizeLimit = 1 << 20
    package static let depthLimit = 32

    /// As errors name it.
    package let file: String
    package let bytes: [UInt8]
    package let root: YAMLNode

    /// Reads a file; nothing but a regular file of at most `sizeLimit` bytes is read.
    ///
    /// - Parameter owners: whose file it must be, and that nobody else can have written; nil for anybody's.
    package static func read(path: String, believing owners: TrustedOwners? = nil) throws(YAMLError)
        -> YAMLDocument
    {
        let file: BoundedFile
        do throws(BoundedFile.Failure) {
            file = try BoundedFile(reading: path, limit: sizeLimit)
        } catch {
            switch error {
            case .unreadable(let failure): throw .unreadable(file: path, reason: failure.reason)
            case .notRegular: throw .notRegular(file: path)
            case .tooLarge: throw .tooLarge(file: path, limit: sizeLimit)
            }
        }
        if let objection = owners?.objection(to: path, file) { throw .notOurs(reason: objection) }
        return try YAMLDocument(bytes: file.bytes, file: path)
    }

    /// Parses text; `file` is only a name for errors.
    package init(bytes: [UInt8], file: String) throws(YAMLError) {
        guard bytes.count <= Self.sizeLimit else { throw .tooLarge(file: file, limit: Self.sizeLimit) }
        guard let events = YAMLEvents(bytes, file: file) else {
            throw .unreadable(file: file, reason: "out of memory")
        }
        var composer = YAMLComposer(events: events, file: file)
        root = try composer.document(depthLimit: Self.depthLimit)
        self.bytes = bytes
        self.file = file
    }
}

/// Builds nodes from events; refuses what a plain settings file has no use for.
private struct YAMLComposer: ~Copyable {
    var events: YAMLEvents
    let file: String

    init(events: consuming YAMLEvents, file: String) {
        self.events = events
        self.file = file
    }

    mutating func document(depthLimit: Int) throws(YAMLError) -> YAMLNode {
        _ = try events.next()
        guard case (.documentStart, _) = try events.next() else {
            throw error(.noDocument, YAMLPosition(line: 1, column: 1))
        }
        let root = try node(events.next(), depth: depthLimit)
        _ = try events.next()
        let (event, position) = try events.next()
        guard case .streamEnd = event else { throw error(.severalDocuments, position) }
        if root.isNull { throw error(.noDocument, root.position) }
        return root
    }

    private mutating func node(
        _ next: (YAMLEvent, YAMLPosition),
        depth: Int
    ) throws(YAMLError) -> YAMLNode {
        let (event, position) = next
        guard depth > 0 else { throw error(.tooDeep(limit: YAMLDocument.depthLimit), position) }
        switch event {
        case .scalar(let text, let style, let properties):
            try refuse(properties, position)
            return YAMLNode(kind: .scalar(text, style), file: file, position: position)
        case .sequenceStart(let properties):
            try refuse(properties, position)
            return YAMLNode(kind: .sequence(try items(depth: depth)), file: file, position: position)
        case .mappingStart(let properties):
            try refuse(properties, position)
            return YAMLNode(kind: .mapping(try entries(depth: depth)), file: file, position: position)
        case .alias(let name): throw error(.alias(name), position)
        case .streamStart, .streamEnd, .documentStart, .documentEnd, .sequenceEnd, .mappingEnd:
            throw error(.syntax(problem: "a value is missing", context: nil), position)
        }
    }

    private mutating func items(depth: Int) throws(YAMLError) -> [YAMLNode] {
        var items: [YAMLNode] = []
        while true {
            let next = try events.next()
            if case .sequenceEnd = next.0 { return items }
            items.append(try node(next, depth: depth - 1))
        }
    }

    private mutating func entries(depth: Int) throws(YAMLError) -> [YAMLNode.Entry] {
        var entries: [YAMLNode.Entry] = []
        var lines: [String: Int] = [:]
        while true {
            let (event, position) = try events.next()
            if case .mappingEnd = event { return entries }
            if case .alias(let name) = event { throw error(.alias(name), position) }
            guard case .scalar(let key, _, let properties) = event else {
                throw error(.keyIsNotText, position)
            }
            try refuse(properties, position)
            if let firstLine = lines.updateValue(position.line, forKey: key) {
                throw error(.duplicateKey(key, firstLine: firstLine), position)
            }
            let value = try node(events.next(), depth: depth - 1)
            entries.append(YAMLNode.Entry(key: key, keyPosition: position, value: value))
        }
    }

    private func refuse(
        _ properties: YAMLEvent.Properties,
        _ position: YAMLPosition
    ) throws(YAMLError) {
        if let anchor = properties.anchor { throw error(.anchor(anchor), position) }
        if let tag = properties.tag { throw error(.tag(tag), position) }
    }

    private func error(_ fault: YAMLProblem.Fault, _ position: YAMLPosition) -> YAMLError {
        .problems([YAMLProblem(file: file, position: position, fault: fault)])
    }
}
